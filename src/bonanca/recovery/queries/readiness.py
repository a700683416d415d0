"""Whether services could come back: their backups and drills against their schedules and objectives."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.db.models import QuerySet

from bonanca.catalog.queries import get_service, list_services
from bonanca.catalog.spec import DrillSpec, ServiceView
from bonanca.durable.queries import list_runs
from bonanca.durable.state import RunState
from bonanca.recovery.models import Backup, Drill
from bonanca.recovery.queries.drills import drill_view
from bonanca.recovery.state import GOOD_ONCE, RESTORABLE, BackupMark, BackupState, DrillMark, DrillState
from bonanca.recovery.views import DrillView
from bonanca.recovery.views.readiness import Objectives, Readiness

# Something is overdue when it is late by half its interval, at least half an hour: a slow one is not a missing one.
GRACE_SHARE = 0.5
GRACE_AT_LEAST = timedelta(minutes=30)
# A failed drill is tried again after this share of its interval, at least five minutes.
RETRY_SHARE = 0.1
RETRY_AT_LEAST = timedelta(minutes=5)
# Without a schedule a backup that was not drilled for a day is said to be so: what is not drilled does not count.
UNSCHEDULED_H = 24.0
# The first drill looks at so much of the past for the longest time without a good backup.
FIRST_LOOK_BACK = timedelta(days=7)
NEWEST_DRILLS = 10


def readiness(now: datetime) -> tuple[Readiness, ...]:
    """Every service that declares a backup."""
    return tuple(_readiness(service, now) for service in list_services() if service.backed_up)


def readiness_of(service: str, now: datetime) -> Readiness | None:
    """One service; None when it declares no backup. Raises NotFound: no such service."""
    declared = get_service(service)
    return _readiness(declared, now) if declared.backed_up else None


def list_drills(service: str | None = None, *, limit: int = 50) -> tuple[DrillView, ...]:
    """Drills, newest first, of one service or of all."""
    rows = Drill.objects.select_related("backup").order_by("-started_at", "-id")
    if service is not None:
        rows = rows.filter(backup__service=service)
    return tuple(drill_view(row, row.backup.service) for row in rows[:limit])


def restorable_backups(service: str) -> tuple[UUID, ...]:
    """The backups that a drill can restore, newest first."""
    rows = Backup.objects.filter(service=service, state__in=RESTORABLE).order_by("-started_at")
    return tuple(rows.values_list("id", flat=True))


def drill_due_at(service: ServiceView, now: datetime) -> datetime | None:
    """When the next drill is due; None: no schedule, nothing to restore, or one is on its way."""
    if not restorable_backups(service.slug):
        return None
    return _due_at(service, _viewed(_drills(service.slug).first()), now)


def _due_at(service: ServiceView, last: DrillView | None, now: datetime) -> datetime | None:
    spec = service.backup.drill if service.backup else None
    if spec is None or not service.backed_up or (last and last.state is DrillState.RUNNING):
        return None
    runs = list_runs(subject=f"service:{service.slug}", kind="drill", limit=1)
    if runs and not runs[0].finished:
        return None
    failed = bool(runs and runs[0].state is RunState.FAILED) or (last is not None and last.state is DrillState.FAILED)
    begun = [run.created_at for run in runs]
    # A random one is owed whatever the restores after each backup prove of the newest.
    if last is not None and (spec.pick == "newest" or not begun):
        begun.append(last.started_at)
    if not begun:
        return now
    every = timedelta(hours=spec.every_h)
    return max(begun) + (max(RETRY_AT_LEAST, every * RETRY_SHARE) if failed else every)


def measure(service: str, restore_seconds: float | None, now: datetime) -> Objectives:
    """What a drill that ends now measured, against what the service declares now."""
    declared = get_service(service)
    spec = (declared.backup.drill if declared.backup else None) or DrillSpec()
    passed = Drill.objects.filter(backup__service=service, state=DrillState.PASSED).order_by("-finished_at").first()
    since = passed.finished_at if passed and passed.finished_at else now - FIRST_LOOK_BACK
    return Objectives(spec.rto_s, restore_seconds, spec.rpo_s, longest_gap(service, since, now))


def longest_gap(service: str, since: datetime, now: datetime) -> float | None:
    """Seconds of the longest time without a good backup in [since, now]; None when there is none at all."""
    taken = sorted(
        at or began
        for at, began in Backup.objects.filter(service=service, state__in=GOOD_ONCE).values_list(
            "snapshot_at", "started_at"
        )
    )
    if not taken:
        return None
    before = [at for at in taken if at <= since][-1:]
    moments = [*before, *(at for at in taken if at > since), now]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    return round(max(0.0, *gaps), 3)


def objectives_in(drill: DrillView | None) -> Objectives:
    """What a drill's evidence says; drills of older releases measured less."""
    found = (drill.evidence.get("objectives") if drill else None) or {}
    return Objectives(**{name: found.get(name) for name in Objectives.__dataclass_fields__})


def _readiness(service: ServiceView, now: datetime) -> Readiness:
    assert service.backup is not None
    spec = service.backup.drill
    rows = Backup.objects.filter(service=service.slug)
    last = rows.exclude(state__in=(BackupState.RUNNING, BackupState.PRUNED)).order_by("-started_at").first()
    good = list(rows.filter(state__in=RESTORABLE).order_by("started_at").values_list("snapshot_at", "started_at"))
    newest = list(_drills(service.slug)[:NEWEST_DRILLS])
    ended = next((drill for drill in newest if drill.state != DrillState.RUNNING), None)
    passed = next((drill for drill in newest if drill.state == DrillState.PASSED), None)
    if passed is None and len(newest) == NEWEST_DRILLS:
        passed = _drills(service.slug).filter(state=DrillState.PASSED).first()
    last_drill, last_passed = _viewed(ended), _viewed(passed)
    snapshot = (good[-1][0] or good[-1][1]) if good else None
    unprotected = max(0.0, (now - snapshot).total_seconds()) if snapshot else None
    last_good = good[-1][1] if good else None
    return Readiness(
        service=service.slug,
        name=service.name,
        team=service.team_slug,
        backup_mark=_backup_mark(service, last, last_good, now),
        drill_mark=_drill_mark(spec, last_drill, last_passed, unprotected, now),
        backup_every_h=service.backup.every_h,
        drill_every_h=spec.every_h if spec else None,
        pick=spec.pick if spec else "newest",
        objectives=_against(spec, objectives_in(last_passed)),
        unprotected_s=unprotected,
        first_good_at=good[0][1] if good else None,
        last_good_at=last_good,
        backup_error=last.error if last is not None and last.state == BackupState.FAILED else "",
        last_drill=last_drill,
        last_passed=last_passed,
        next_drill_at=_due_at(service, _viewed(newest[0]) if newest else None, now) if good else None,
        drill_running=any(drill.state == DrillState.RUNNING for drill in newest),
    )


def _drills(service: str) -> QuerySet[Drill]:
    return Drill.objects.select_related("backup").filter(backup__service=service).order_by("-started_at", "-id")


def _against(spec: DrillSpec | None, measured: Objectives) -> Objectives:
    """The last measurement against the objectives of today."""
    return Objectives(
        spec.rto_s if spec else None, measured.rto_measured_s, spec.rpo_s if spec else None, measured.rpo_measured_s
    )


def _backup_mark(service: ServiceView, last: Backup | None, last_good: datetime | None, now: datetime) -> BackupMark:
    assert service.backup is not None
    if last is not None and last.state == BackupState.FAILED:
        return BackupMark.FAILED
    if last_good is None:
        # A declaration that does not suffice fails before there is a row of its backup.
        runs = list_runs(subject=f"service:{service.slug}", kind="backup", limit=1)
        return BackupMark.FAILED if runs and runs[0].state is RunState.FAILED else BackupMark.NEVER
    return BackupMark.OVERDUE if late(last_good, service.backup.every_h, now) else BackupMark.OK


def _drill_mark(
    spec: DrillSpec | None,
    last: DrillView | None,
    passed: DrillView | None,
    unprotected_s: float | None,
    now: datetime,
) -> DrillMark:
    if last is not None and last.state is DrillState.FAILED:
        return DrillMark.FAILED
    if passed is None:
        return DrillMark.NEVER
    if spec is not None and late(passed.finished_at or passed.started_at, spec.every_h, now):
        return DrillMark.OVERDUE
    lost_now = spec is not None and spec.rpo_s is not None and (unprotected_s or 0.0) > spec.rpo_s
    return DrillMark.MISSED if lost_now or _against(spec, objectives_in(passed)).missed else DrillMark.OK


def late(last: datetime, every_h: float, now: datetime) -> bool:
    """Whether what should happen every so many hours is overdue."""
    every = timedelta(hours=every_h)
    return now > last + every + max(GRACE_AT_LEAST, every * GRACE_SHARE)


def _viewed(row: Drill | None) -> DrillView | None:
    return None if row is None else drill_view(row, row.backup.service)
