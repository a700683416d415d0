"""Look at every declared standby: keep a small history, raise alerts beyond the declared limits (requirement Y2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
ORPHAN_ON_PRIMARY = gettext_noop(
    "%(service)s: a replication slot of no plan holds back %(megabytes)s MB of log on the primary; drop it there:"
    " %(command)s"
)
ORPHAN_ON_STANDBY = gettext_noop(
    "%(service)s: a replication slot of no plan holds back %(megabytes)s MB of log on the standby; drop it there:"
    " %(command)s"
)
CLOSED = gettext_noop(
    "%(service)s: a promotion that ended half way left the database closed; retry it, undo it or start it once more"
)
NAMES = frozenset({"StandbyBroken", "StandbyLag", "WalRetention", "OrphanSlot", "DatabaseLeftClosed"})


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
    kept_on_primary: int | None = None
    kept_on_standby: int | None = None
    closed: bool = False


def watch_replication(*, now: datetime) -> Settled:
    """Look, record, and bring the alerts to what holds now."""
    for service in list_services():
        if service.database is not None and service.database.standby is not None:
            ReplicationSample.objects.create(service=service.slug, at=now, **vars(look_at(service.database, now)))
    ReplicationSample.objects.filter(at__lt=now - KEPT).delete()
    wanted = [alert for row in replication() for alert in (_alert(row, now), *_left_behind(row, now)) if alert]
    return settle_alerts(wanted, names=NAMES, by="recovery", now=now)


def look_at(database: DatabaseSpec, now: datetime) -> Look:
    """Ask both servers; whatever keeps them from being a pair is the error."""
    (primary, silent), (standby, unheard) = _asked(database.dsn), _asked(database.standby_dsn)
    left: dict[str, Any] = {
        "kept_on_primary": primary.kept_bytes if primary else None,
        "kept_on_standby": standby.kept_bytes if standby else None,
        "closed": primary is not None and primary.admits is False,
    }
    if primary is None or standby is None:
        return Look(healthy=False, error=silent or unheard, slot_bytes=_most(primary, standby), **left)
    problem = pair_problem(primary, standby)
    behind = lag_bytes(primary, standby)
    replayed = standby.replayed_at
    lag_s = 0.0 if not behind or replayed is None else max(0.0, (now - replayed).total_seconds())
    return Look(
        healthy=not problem,
        lag_s=None if problem else lag_s,
        lag_bytes=None if problem else behind,
        wal_bytes=primary.wal_bytes,
        slot_bytes=_most(primary, standby),
        checkpoint_age_s=max(0.0, (now - primary.checkpoint_at).total_seconds()),
        error=problem,
        **left,
    )


def _asked(address: Callable[[], str]) -> tuple[Server | None, str]:
    try:
        return look(address()), ""
    except BonancaError as error:
        return None, error.message


def _most(*found: Server | None) -> int | None:
    """What the slot holds back that holds back the most."""
    held = [server.slot_bytes for server in found if server is not None and server.slot_bytes is not None]
    return max(held, default=None)


def promotion_begun(primary: Server, standby: Server) -> bool:
    """Whether an earlier promotion came as far as its new primary, and its old one is closed still: it can be ended."""
    same = primary.system_identifier == standby.system_identifier
    promoted = not primary.in_recovery and not standby.in_recovery and standby.timeline > primary.timeline
    return same and promoted and primary.admits is False


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


def _left_behind(row: ReplicationView, now: datetime) -> Iterator[NewAlert]:
    """What a plan that ended half way left, which nobody would look for before a disk is full."""
    for slot in row.orphans:
        text = ORPHAN_ON_PRIMARY if slot.server == "primary" else ORPHAN_ON_STANDBY
        facts = {"service": row.service, "megabytes": round(slot.held_bytes / 1e6, 1), "command": slot.command}
        yield _new(row, "OrphanSlot", Severity.MEDIUM, Phrase(text, facts), now, server=slot.server)
    if row.left_closed:
        yield _new(row, "DatabaseLeftClosed", Severity.MEDIUM, Phrase(CLOSED, {"service": row.service}), now)


def _new(row: ReplicationView, name: str, severity: Severity, summary: Phrase, now: datetime, **more: str) -> NewAlert:
    labels = {"alertname": name, "service": row.service, "severity": severity.value, **more}
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
