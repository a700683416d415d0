"""Bring a fresh backup to every place at once; a slow or broken place never holds up the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import monotonic
from uuid import UUID

from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import PlaceSpec
from bonanca.recovery import holding
from bonanca.recovery.envelope import Sealed
from bonanca.recovery.models import BackupReplica
from bonanca.recovery.operations.record_copy import copy_failed, copy_interrupted, copy_stored
from bonanca.recovery.places import Parcel, opened, spec_of
from bonanca.recovery.places.base import Told
from bonanca.recovery.places.locks import lock_until
from bonanca.recovery.places.uploads import Work, stop_all, wait_for_any
from bonanca.recovery.views import BackupView

# Once enough places have it, the others get so much longer; then they go on as copies in the background.
GRACE_S = 10.0
STOP_S = 5.0


def store_copies(
    view: BackupView,
    staged: Path,
    sealed: Sealed,
    *,
    clock: Callable[[], datetime],
    beat: Callable[[datetime], None],
) -> None:
    """Return when every place has answered, or as many as `min_copies` have it and the others had their grace.

    Args:
        beat: told the time now and then; what it raises ends the uploads.
    """
    policy = get_service(view.service).backup
    wanted = policy.min_copies if policy is not None else 1
    ended = threading.Event()
    rows = dict(BackupReplica.objects.filter(backup_id=view.id).values_list("place", "id"))
    going: dict[str, Work] = {}
    for place in rows:
        until = lock_until(view.service, place, view.started_at)
        parcel = Parcel(staged, view.object_name, sealed.size, sealed.sha256, until)
        going[place] = Work(place, _storing(spec_of(view.service, place), parcel), ended)
    for work in going.values():
        work.start()
    stored, deadline = 0, None
    try:
        while going and (deadline is None or monotonic() < deadline):
            left = holding.BEAT_EVERY_S if deadline is None else deadline - monotonic()
            wait_for_any(ended, max(0.01, min(holding.BEAT_EVERY_S, left)))
            for place, work in [*going.items()]:
                if not work.is_alive():
                    del going[place]
                    stored += _settle(view, rows[place], place, work, sealed, clock())
            for place, work in going.items():
                BackupReplica.objects.filter(pk=rows[place]).update(bytes_done=work.done)
            if stored >= wanted and deadline is None:
                deadline = monotonic() + GRACE_S
            beat(clock())
    finally:
        stop_all([*going.values()], STOP_S)
        for place, work in going.items():
            BackupReplica.objects.filter(pk=rows[place]).update(bytes_done=work.done)
    for place, work in going.items():
        _settle(view, rows[place], place, work, sealed, clock())


def _storing(place: PlaceSpec, parcel: Parcel) -> Callable[[Told], int]:
    return lambda told: opened(place).store(parcel, told)


def _settle(view: BackupView, replica_id: UUID, place: str, work: Work, sealed: Sealed, now: datetime) -> bool:
    """Record how it ended; whether the place has it."""
    if work.defect is not None:
        raise work.defect
    if work.problem is not None:
        copy_failed(replica_id, error=work.problem.message, now=now, first=True)
        BackupReplica.objects.filter(pk=replica_id).update(bytes_done=work.done)
        return False
    if work.stopped or work.is_alive():
        copy_interrupted(replica_id, done=work.done, now=now)
        return False
    until = lock_until(view.service, place, view.started_at)
    return copy_stored(replica_id, size=work.size, sha256=sealed.sha256, locked_until=until, now=now, first=True)
