"""Gates of a deployment that need more rooms than `delivery` may know."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from bonanca.delivery.gates import Candidate, GateResult, gate
from bonanca.recovery.queries import latest_verified_backup

FRESH = timedelta(hours=24)

RESTORED = gettext_noop("A backup was restored and checked %(age_s)s ago")
STALE = gettext_noop("The last backup that was restored and checked is %(age_s)s old")
NEVER = gettext_noop("No backup of this service was ever restored and checked")
NO_DATABASE = gettext_noop("The service has no database to back up")
FIRST_VERSION = gettext_noop("First deployment: there is no data to back up yet")


@gate("backup")
def restored_backup(candidate: Candidate, now: datetime) -> GateResult:
    """What is not drilled does not count: a backup restored in the last 24 h (requirements T2, T6)."""
    if candidate.service.database is None:
        return GateResult("backup", True, NO_DATABASE)
    if not candidate.from_sha:
        # Before the first deployment there is nothing that a backup could hold.
        return GateResult("backup", True, FIRST_VERSION)
    backup = latest_verified_backup(candidate.service.slug)
    if backup is None or backup.verified_at is None:
        return GateResult("backup", False, NEVER)
    age = now - backup.verified_at
    facts = {"age_s": round(age.total_seconds())}
    return GateResult("backup", age <= FRESH, RESTORED if age <= FRESH else STALE, facts)
