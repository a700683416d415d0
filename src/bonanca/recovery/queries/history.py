"""Backups, places and drills of a time, for the timeline; what they cost in bytes."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Max, Min, Sum

from bonanca.durable.queries import unfinished_of
from bonanca.durable.views import PlanRunView
from bonanca.recovery.models import Backup, BackupReplica, Drill
from bonanca.recovery.queries.drills import drill_view
from bonanca.recovery.state import RESTORABLE, ReplicaState
from bonanca.recovery.views.history import BackupPoint, History, PlaceCost

MOST = 400
KEPT = (ReplicaState.STORED, ReplicaState.VERIFIED)


def history(service: str, since: datetime, until: datetime) -> History:
    """What happened to the service's backups in [since, until], oldest first (the newest 400 of each kind)."""
    rows = Backup.objects.filter(service=service, started_at__range=(since, until)).prefetch_related("replicas")
    backups = [
        BackupPoint(
            at=row.snapshot_at or row.started_at,
            state=row.state,
            size_bytes=row.size_bytes,
            error=row.error,
            places=tuple((replica.place, replica.state, replica.error) for replica in row.replicas.all()),
        )
        for row in rows.order_by("-started_at")[:MOST]
    ]
    drills = Drill.objects.select_related("backup").filter(backup__service=service, started_at__range=(since, until))
    return History(
        since=since,
        until=until,
        backups=tuple(reversed(backups)),
        drills=tuple(drill_view(row, service) for row in reversed(drills.order_by("-started_at")[:MOST])),
        good=_good(service, since, until),
    )


def place_costs(service: str | None = None) -> tuple[PlaceCost, ...]:
    """What is kept in each place, of one service or of all: copies, bytes, oldest and newest."""
    rows = BackupReplica.objects.filter(state__in=KEPT)
    if service is not None:
        rows = rows.filter(backup__service=service)
    found = (
        rows.order_by()
        .values("place")
        .annotate(
            copies=Count("id"),
            size=Sum("size_bytes"),
            oldest=Min("backup__started_at"),
            newest=Max("backup__started_at"),
        )
    )
    return tuple(
        PlaceCost(row["place"], row["copies"], row["size"] or 0, row["oldest"], row["newest"])
        for row in found.order_by("place")
    )


def running(service: str) -> tuple[PlanRunView, ...]:
    """Plans that work on the service's backups now: taken, drilled, restored."""
    return tuple(
        run for run in unfinished_of(f"service:{service}") if run.kind in ("backup", "drill", "restore", "check")
    )


def _good(service: str, since: datetime, until: datetime) -> tuple[datetime, ...]:
    """Moments of the good backups, with the last one before the time, oldest first."""
    rows = Backup.objects.filter(service=service, state__in=RESTORABLE, started_at__lte=until)
    moments = sorted(at or began for at, began in rows.values_list("snapshot_at", "started_at"))
    return (*[at for at in moments if at < since][-1:], *[at for at in moments if at >= since])
