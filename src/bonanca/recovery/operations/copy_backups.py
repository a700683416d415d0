"""Bring backups to the places that do not have them yet, from a place that does: the background work of replicas."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from bonanca.catalog.spec import PlaceSpec
from bonanca.recovery import holding
from bonanca.recovery.engines import OUTSIDE
from bonanca.recovery.folders import copy_file
from bonanca.recovery.models import BackupReplica
from bonanca.recovery.operations.record_copy import (
    claim_copy,
    copy_damaged,
    copy_failed,
    copy_goes_on,
    copy_interrupted,
    copy_stored,
    release_copies,
)
from bonanca.recovery.places import (
    Fetched,
    Parcel,
    Place,
    ReplicaMissing,
    ReplicaProblem,
    SourceChanged,
    opened,
    spec_of,
)
from bonanca.recovery.places.base import Told
from bonanca.recovery.places.locks import lock_until
from bonanca.recovery.places.uploads import Work, stop_all, wait_for_any
from bonanca.recovery.sealing import DiskFull, disk_full_named
from bonanca.recovery.state import HOLDING, RESTORABLE, TO_COPY, ReplicaState

# A round ends after this long, whatever goes on: what is not finished goes on in the next.
ROUND_S = 60.0
STOP_S = 5.0
# Uploads that hang (a dead mount): their place is left alone until they come back.
_HANGING: dict[str, Work] = {}


@dataclass
class Copying:
    """One copy that is being made. `damaged`: places that turned out not to have it, with why."""

    replica_id: UUID
    backup_id: UUID
    target: PlaceSpec
    parcel: Parcel
    sources: tuple[PlaceSpec, ...]
    damaged: dict[str, str] = field(default_factory=dict)

    def run(self, told: Told) -> int:
        """Find a source that is intact and store it.

        Raises:
            ReplicaProblem: no source, or the place does not take it.
        """
        target = opened(self.target)
        problems = []
        for source in self.sources:
            try:
                return self._from(opened(source), target, told)
            except SourceChanged:
                self.damaged[source.place] = _("%(place)s: %(name)s is not what was sealed") % {
                    "place": source.place,
                    "name": self.parcel.name,
                }
            except _SourceProblem as problem:
                problems.append(problem.message)
        problems = [*self.damaged.values(), *problems]
        raise ReplicaProblem("; ".join([_("No other place gives this backup to copy it from."), *problems]))

    def _from(self, source: Place, target: Place, told: Told) -> int:
        local = source.local_file(self.parcel.name)
        if local is not None:
            return target.store(replace(self.parcel, source=local), told)
        fetched_file = copy_file(self.replica_id)
        try:
            try:
                with disk_full_named(fetched_file):
                    # Asks to stop are heard while it is fetched, too; what is there is what the target has.
                    fetched = source.fetch(self.parcel.name, fetched_file, lambda done: told(0))
            except ReplicaMissing as problem:
                self.damaged[source.place] = problem.message
                raise _SourceProblem(problem.message) from problem
            except (ReplicaProblem, DiskFull) as problem:
                raise _SourceProblem(problem.message) from problem
            if fetched != Fetched(self.parcel.size, self.parcel.sha256):
                raise source.changed(self.parcel)
            return target.store(replace(self.parcel, source=fetched_file), told)
        finally:
            fetched_file.unlink(missing_ok=True)


class _SourceProblem(ReplicaProblem):
    """This source does not give it; another may."""


def copy_backups(*, now: datetime, round_s: float = ROUND_S, service: str | None = None) -> int:
    """Make the copies that are due, one at a time in each place, places beside each other; returns how many came.

    Args:
        round_s: what is not finished after so many seconds goes on in the next round.
        service: only those of this service, asked for by a person: also those whose time has not come.
    """
    release_copies(now=now)
    clock = holding.running_clock(now)
    waiting = _due(now, service)
    ended, going, came = threading.Event(), dict[str, tuple[Copying, Work]](), 0
    until = monotonic() + round_s
    try:
        while going or any(waiting.values()):
            if monotonic() >= until:
                break
            for place in [place for place, queue in waiting.items() if queue and place not in going]:
                _start(waiting[place].popleft(), going, ended, clock())
            wait_for_any(ended, min(holding.BEAT_EVERY_S, max(0.01, until - monotonic())))
            for place, (copying, work) in [*going.items()]:
                if not work.is_alive():
                    del going[place]
                    came += _settle(copying, work, clock())
                elif not copy_goes_on(copying.replica_id, done=work.done, now=clock()):
                    work.stop()
    finally:
        stop_all([work for _copying, work in going.values()], STOP_S)
        for place, (copying, work) in going.items():
            if work.is_alive():
                _HANGING[place] = work
            came += _settle(copying, work, clock())
    return came


def _due(now: datetime, service: str | None) -> dict[str, deque[BackupReplica]]:
    rows = BackupReplica.objects.filter(state__in=TO_COPY, backup__state__in=RESTORABLE).select_related("backup")
    rows = rows.exclude(backup__engine__in=OUTSIDE)
    time_has_come = Q(next_try_at=None) | Q(next_try_at__lte=now)
    rows = rows.filter(backup__service=service) if service is not None else rows.filter(time_has_come)
    queues: dict[str, deque[BackupReplica]] = {}
    # The newest first: it is the one that would be missed.
    for row in rows.order_by("-backup__started_at")[:500]:
        hanging = _HANGING.get(row.place)
        if hanging is not None and hanging.is_alive():
            continue
        queues.setdefault(row.place, deque()).append(row)
    return queues


def _start(row: BackupReplica, going: dict[str, tuple[Copying, Work]], ended: threading.Event, now: datetime) -> None:
    if not claim_copy(row.id, now=now):
        return
    backup = row.backup
    others = BackupReplica.objects.filter(backup_id=backup.id, state__in=HOLDING).exclude(pk=row.pk)
    # Those known to be good first; a damaged one only when nothing else is there, since its bytes are compared anyway.
    ranked = sorted(others, key=lambda r: (r.state == ReplicaState.DAMAGED, "://" in r.place, r.position))
    until = lock_until(backup.service, row.place, backup.started_at)
    parcel = Parcel(copy_file(row.id), backup.object_name, backup.size_bytes, backup.sha256, until)
    sources = tuple(spec_of(backup.service, other.place) for other in ranked)
    copying = Copying(row.id, backup.id, spec_of(backup.service, row.place), parcel, sources)
    work = Work(row.place, copying.run, ended)
    going[row.place] = (copying, work)
    work.start()


def _settle(copying: Copying, work: Work, now: datetime) -> bool:
    for place, why in copying.damaged.items():
        copy_damaged(copying.backup_id, place, error=why, now=now)
    if work.defect is not None:
        copy_failed(copying.replica_id, error=repr(work.defect), now=now)
        raise work.defect
    if work.problem is not None:
        copy_failed(copying.replica_id, error=work.problem.message, now=now)
        return False
    if work.stopped or work.is_alive():
        copy_interrupted(copying.replica_id, done=work.done, now=now)
        return False
    parcel = copying.parcel
    return copy_stored(
        copying.replica_id, size=work.size, sha256=parcel.sha256, locked_until=parcel.lock_until, now=now
    )
