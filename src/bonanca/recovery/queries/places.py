"""Reading where backups lie: per place, what it holds and costs, and what it still waits for."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, Q, Sum

from bonanca.catalog.queries import get_service
from bonanca.recovery.models import BackupReplica
from bonanca.recovery.queries.backups import replica_view
from bonanca.recovery.state import HOLDING, RESTORABLE, ReplicaState
from bonanca.recovery.views import PlaceView, ServicePlaces, UnfinishedCopy

UNFINISHED_SHOWN = 200
WAITING = (ReplicaState.PENDING, ReplicaState.COPYING, ReplicaState.FAILED, ReplicaState.GIVEN_UP)


def places_of(service: str) -> ServicePlaces:
    """The service's places, declared ones first, and the copies that are missing or damaged. Three queries.

    Raises:
        NotFound: no such service.
    """
    policy = get_service(service).backup
    declared = policy.replicas if policy is not None else ()
    own = f"pgbackrest://{policy.pgbackrest.stanza}/" if policy is not None and policy.pgbackrest is not None else None
    rows = BackupReplica.objects.filter(backup__service=service, backup__state__in=RESTORABLE)
    found: dict[str, dict[str, Any]] = {
        row["place"]: dict(row)
        for row in rows.values("place").annotate(
            copies=Count("id", filter=Q(state__in=HOLDING)),
            size_bytes=Sum("size_bytes", filter=Q(state__in=HOLDING)),
            waiting=Count("id", filter=Q(state__in=WAITING)),
            damaged=Count("id", filter=Q(state=ReplicaState.DAMAGED)),
            last_stored_at=Max("stored_at"),
        )
    }
    places = []
    for place in [*declared, *sorted(set(found) - set(declared))]:
        row: dict[str, Any] = found.get(place, {})
        places.append(
            PlaceView(
                place=place,
                declared=place in declared or (own is not None and place.startswith(own)),
                lock_days=policy.place(place).lock_days if policy is not None else 0,
                copies=row.get("copies", 0),
                size_bytes=row.get("size_bytes") or 0,
                waiting=row.get("waiting", 0),
                damaged=row.get("damaged", 0),
                last_stored_at=row.get("last_stored_at"),
            )
        )
    unfinished = rows.filter(state__in=[*WAITING, ReplicaState.DAMAGED]).select_related("backup")
    return ServicePlaces(
        service,
        policy.min_copies if policy is not None else 1,
        tuple(places),
        tuple(
            UnfinishedCopy(row.backup_id, row.backup.started_at, row.backup.size_bytes, replica_view(row))
            for row in unfinished.order_by("-backup__started_at", "position")[:UNFINISHED_SHOWN]
        ),
    )
