"""Have an engine with repositories of its own take a backup into each of them; what one refuses keeps no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError
from bonanca.outbox.operations.publish import publish
from bonanca.recovery import holding
from bonanca.recovery.engines import OutsideEngine, TakenOutside
from bonanca.recovery.events import CopyGivenUp
from bonanca.recovery.models import Backup, BackupReplica
from bonanca.recovery.operations.record_copy import claim_copy, copy_stored
from bonanca.recovery.state import BackupState, ReplicaState
from bonanca.recovery.views import BackupView

Progress = Callable[[float | None, str], None]


def take_outside(
    view: BackupView,
    engine: OutsideEngine,
    *,
    clock: Callable[[], datetime],
    beat: Callable[[datetime], None],
    progress: Progress,
) -> None:
    """Return when each repository has taken it or said why not; a copy that was refused is not made again by itself.

    Args:
        beat: told the time now and then; what it raises ends the backup.
    """
    service = get_service(view.service)
    rows = list(BackupReplica.objects.filter(backup_id=view.id).order_by("position"))
    taken: dict[str, TakenOutside] = {}
    for index, row in enumerate(rows):
        beaten = monotonic()

        def told(share: float | None, index: int = index, place: str = row.place) -> None:
            nonlocal beaten
            progress(None if share is None else (index + share) / len(rows), place)
            if monotonic() - beaten > holding.BEAT_EVERY_S:
                beaten = monotonic()
                beat(clock())

        claim_copy(row.id, now=clock())
        try:
            taken[row.place] = engine.take(service, row.place, beat=told)
        except BonancaError as problem:
            _refused(row.id, str(problem), clock())
            continue
        size = taken[row.place].size
        copy_stored(row.id, size=size, sha256="", locked_until=None, now=clock(), first=True)
    if taken:
        Backup.objects.filter(pk=view.id, state=BackupState.RUNNING).update(**columns(taken))


def columns(taken: Mapping[str, TakenOutside]) -> dict[str, Any]:
    """What a backup's row says of what lies in each place."""
    first = next(iter(taken.values()))
    return {
        "object_name": first.label,
        # The oldest of them: what is restored from any place is at least so new.
        "snapshot_at": min(found.ended for found in taken.values()),
        "server_version": first.server_version,
        "lsn": first.stop_lsn,
        "database_bytes": first.database_bytes,
        "plain_bytes": first.database_bytes,
        "size_bytes": first.size,
        "recipients": None,
        "facts": {
            **first.facts,
            "start_lsn": first.start_lsn,
            "stop_lsn": max((found.stop_lsn for found in taken.values()), key=_position),
            "labels": {place: found.label for place, found in taken.items()},
            "kinds": {place: found.kind for place, found in taken.items()},
            "ciphers": {place: found.cipher for place, found in taken.items()},
            "ended": {place: found.ended.isoformat() for place, found in taken.items()},
            "stop_lsns": {place: found.stop_lsn for place, found in taken.items()},
        },
    }


def _position(lsn: str) -> tuple[int, int]:
    high, _slash, low = lsn.partition("/")
    return int(high or "0", 16), int(low or "0", 16)


def _refused(replica_id: UUID, error: str, now: datetime) -> None:
    with transaction.atomic():
        replica = BackupReplica.objects.select_related("backup").get(pk=replica_id)
        BackupReplica.objects.filter(pk=replica_id, state=ReplicaState.COPYING).update(
            state=ReplicaState.GIVEN_UP, error=error, next_try_at=None
        )
        facts = {"place": replica.place, "error": error, "attempts": 1}
        actor = SYSTEM("recovery").label
        record(aggregate=f"backup:{replica.backup_id}", action="copy.given_up", actor=actor, facts=facts, now=now)
        publish(CopyGivenUp(replica.backup_id, replica.backup.service, replica.place, error), now=now)


def no_copy_of_ours(place: str) -> str:
    """Why a copy in a repository of another program is not made again."""
    return _("%(place)s is a repository of pgBackRest: nothing is copied into it. Take another backup.") % {
        "place": place
    }
