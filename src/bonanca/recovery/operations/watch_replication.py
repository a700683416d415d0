"""Look at every declared standby: keep a small history, raise alerts beyond the declared limits (requirement Y2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.replication import Server, lag_bytes, look
from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import DatabaseSpec
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.models import ReplicationSample
from bonanca.recovery.queries.replication import replication
from bonanca.recovery.views.replication import ReplicationView
from bonanca.signals.operations.fire_alerts import NewAlert
from bonanca.signals.operations.settle_alerts import Settled, settle_alerts
from bonanca.signals.queries import fingerprint
from bonanca.signals.state import Door, Severity
from bonanca.ui.phrases import Phrase

KEPT = timedelta(days=3)
BROKEN = gettext_noop("%(service)s: its standby does not follow")
LAGGING = gettext_noop("%(service)s: its standby is %(lag_s)s behind, %(limit_s)s are allowed")
BEHIND = gettext_noop("%(service)s: its standby is %(megabytes)s MB behind, %(limit)s MB are allowed")
HOLDING = gettext_noop("%(service)s: a replication slot holds back %(megabytes)s MB of write-ahead log")
NAMES = frozenset({"StandbyBroken", "StandbyLag", "WalRetention"})


@dataclass(frozen=True)
class Look:
    """What one look at a pair of servers found."""

    healthy: bool
    lag_s: float | None = None
    lag_bytes: int | None = None
    wal_bytes: int | None = None
    slot_bytes: int | None = None
    checkpoint_age_s: float | None = None
    error: str = ""


def watch_replication(*, now: datetime) -> Settled:
    """Look, record, and bring the alerts to what holds now."""
    for service in list_services():
        if service.database is not None and service.database.standby is not None:
            ReplicationSample.objects.create(service=service.slug, at=now, **vars(look_at(service.database, now)))
    ReplicationSample.objects.filter(at__lt=now - KEPT).delete()
    wanted = [alert for row in replication() if (alert := _alert(row, now)) is not None]
    return settle_alerts(wanted, names=NAMES, by="recovery", now=now)


def look_at(database: DatabaseSpec, now: datetime) -> Look:
    """Ask both servers; whatever keeps them from being a pair is the error."""
    try:
        primary, standby = look(database.dsn()), look(database.standby_dsn())
    except BonancaError as error:
        return Look(healthy=False, error=error.message)
    problem = pair_problem(primary, standby)
    behind = lag_bytes(primary, standby)
    replayed = standby.replayed_at
    lag_s = 0.0 if not behind or replayed is None else max(0.0, (now - replayed).total_seconds())
    return Look(
        healthy=not problem,
        lag_s=None if problem else lag_s,
        lag_bytes=None if problem else behind,
        wal_bytes=primary.wal_bytes,
        slot_bytes=primary.slot_bytes,
        checkpoint_age_s=max(0.0, (now - primary.checkpoint_at).total_seconds()),
        error=problem,
    )


def pair_problem(primary: Server, standby: Server) -> str:
    """Why these two are no primary with its standby; empty when they are."""
    if primary.system_identifier != standby.system_identifier:
        return _("The standby is a copy of another server.")
    if primary.in_recovery:
        return _("The declared primary is a standby itself.")
    if not standby.in_recovery:
        return _("The declared standby is a primary: it does not follow any more.")
    if standby.streaming is False:
        return _("The standby does not receive: its stream is broken.")
    return ""


def _alert(row: ReplicationView, now: datetime) -> NewAlert | None:
    facts: dict[str, Any] = {"service": row.service}
    if row.healthy is False:
        return _new(row, "StandbyBroken", Severity.MEDIUM, Phrase(BROKEN, facts), now)
    if row.lagging:
        over = (row.lag_s or 0.0) > row.max_lag_s
        seconds = {"lag_s": row.lag_s, "limit_s": row.max_lag_s}
        size = {"megabytes": round((row.lag_bytes or 0) / 1e6, 1), "limit": round(row.max_lag_bytes / 1e6, 1)}
        phrase = Phrase(LAGGING, facts | seconds) if over else Phrase(BEHIND, facts | size)
        return _new(row, "StandbyLag", Severity.MEDIUM, phrase, now)
    if row.holding:
        held = {"megabytes": round((row.slot_bytes or 0) / 1e6, 1)}
        return _new(row, "WalRetention", Severity.MEDIUM, Phrase(HOLDING, facts | held), now)
    return None


def _new(row: ReplicationView, name: str, severity: Severity, summary: Phrase, now: datetime) -> NewAlert:
    labels = {"alertname": name, "service": row.service, "severity": severity.value}
    return NewAlert(
        fingerprint=fingerprint(labels),
        door=Door.READINESS,
        service=row.service,
        severity=severity,
        summary=summary,
        starts_at=row.at or now,
        labels=labels,
        evidence={"error": row.error, "lag_s": row.lag_s, "lag_bytes": row.lag_bytes, "slot_bytes": row.slot_bytes},
    )
