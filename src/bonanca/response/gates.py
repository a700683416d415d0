"""Gates of a deployment that need more rooms than `delivery` may know."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from bonanca.delivery.gates import Candidate, GateResult, gate
from bonanca.recovery.queries import latest_verified_backup

FRESH = timedelta(hours=24)

RESTORED = gettext_noop("A backup was restored and checked %(age_s)s ago")
STALE = gettext_noop("The last backup that was restored and checked is %(age_s)s old")
SLOW = gettext_noop(
    "A backup was restored and checked %(age_s)s ago, in %(measured_s)s; the objective is %(objective_s)s"
)
MET = gettext_noop("A backup was restored and checked %(age_s)s ago, in %(measured_s)s of the %(objective_s)s allowed")
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
    facts: dict[str, object] = {"age_s": round(age.total_seconds())}
    if age > FRESH:
        return GateResult("backup", False, STALE, facts)
    spec = candidate.service.backup.drill if candidate.service.backup else None
    if spec is None or spec.rto_s is None or backup.restore_seconds is None:
        return GateResult("backup", True, RESTORED, facts)
    # Too slow is said and does not refuse: the data do come back.
    facts |= {"measured_s": backup.restore_seconds, "objective_s": spec.rto_s}
    return GateResult("backup", True, MET if backup.restore_seconds <= spec.rto_s else SLOW, facts)
