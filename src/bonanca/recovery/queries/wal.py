"""Reading the archived log."""

from __future__ import annotations

from django.db.models import Count, Max, Q, Sum

from bonanca.catalog.queries import get_service
from bonanca.recovery.models import RestorePoint, WalFile, WalReceiver
from bonanca.recovery.views import RestorePointView, WalView


def wal_of(service: str) -> WalView | None:
    """How the service's log stands; None when it declares none. Three queries.

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
    )


def restore_points(service: str) -> tuple[RestorePointView, ...]:
    """The service's named points, newest first."""
    rows = RestorePoint.objects.filter(service=service).order_by("-created_at")
    return tuple(RestorePointView(r.name, r.lsn, r.timeline, r.created_at, r.created_by) for r in rows)
