"""Reading the archived log."""

from __future__ import annotations

from django.db.models import Count, Max, Min, Q, Sum

from bonanca.catalog.queries import get_service
from bonanca.recovery.models import RestorePoint, WalFile, WalReceiver
from bonanca.recovery.views import DamagedWal, RestorePointView, WalView


def wal_of(service: str) -> WalView | None:
    """How the service's log stands; None when it declares none. Four queries.

    Raises:
        NotFound: no such service.
    """
    declared = get_service(service)
    if declared.backup is None or declared.backup.physical is None or declared.backup.physical.wal is None:
        return None
    receiver = WalReceiver.objects.filter(service=service).first()
    sums = WalFile.objects.filter(service=service).aggregate(
        files=Count("id"),
        size=Sum("size_bytes"),
        reaches=Max("received_at"),
        waiting=Count("id", filter=Q(complete=False)),
        checked=Min("checked_at"),
        unchecked=Count("id", filter=Q(checked_at=None)),
    )
    return WalView(
        running=bool(receiver and receiver.running),
        lag_bytes=receiver.lag_bytes if receiver else None,
        seen_at=receiver.seen_at if receiver else None,
        slot=receiver.slot if receiver else "",
        error=receiver.error if receiver else "",
        files=sums["files"],
        size_bytes=sums["size"] or 0,
        waiting=sums["waiting"],
        reaches=sums["reaches"],
        points=restore_points(service),
        damaged=damaged_wal(service),
        checked_at=None if sums["unchecked"] else sums["checked"],
    )


def damaged_wal(service: str) -> tuple[DamagedWal, ...]:
    """Archived files that a check found damaged somewhere, at most 200."""
    rows = WalFile.objects.filter(service=service).exclude(damaged={}).order_by("timeline", "number")[:200]
    return tuple(DamagedWal(row.name, tuple(row.damaged.values()), tuple(row.intact_in)) for row in rows)


def restore_points(service: str) -> tuple[RestorePointView, ...]:
    """The service's named points, newest first."""
    rows = RestorePoint.objects.filter(service=service).order_by("-created_at")
    return tuple(RestorePointView(r.name, r.lsn, r.timeline, r.created_at, r.created_by) for r in rows)
