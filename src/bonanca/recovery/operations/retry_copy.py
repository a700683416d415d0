"""Have a copy made again that failed, was given up or is damaged."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, NotFound
from bonanca.recovery.engines import OUTSIDE
from bonanca.recovery.models import BackupReplica
from bonanca.recovery.operations.take_outside import no_copy_of_ours
from bonanca.recovery.queries import get_backup
from bonanca.recovery.state import ReplicaState, replica_sources
from bonanca.recovery.views import BackupView


class NothingToRetry(Conflict):
    """The copy is there, or on its way, or not ours to make."""


def retry_copy(*, backup_id: UUID, place: str, actor: Actor, now: datetime) -> BackupView:
    """Let the copy wait for a worker, which makes it at once from a place that has it.

    Raises:
        BackupNotFound, NotFound, NothingToRetry, NotAllowed.
    """
    backup = get_backup(backup_id)
    require(actor, Permission.RESPOND, team=get_service(backup.service).team_slug)
    if backup.engine in OUTSIDE:
        raise NothingToRetry(no_copy_of_ours(place))
    rows = BackupReplica.objects.filter(backup_id=backup_id, place=place)
    if not rows.exists():
        raise NotFound(_("This backup has no copy in %(place)s.") % {"place": place})
    with transaction.atomic():
        again = rows.filter(state__in=[*replica_sources(ReplicaState.PENDING), ReplicaState.PENDING]).exclude(
            state=ReplicaState.COPYING
        )
        if not again.update(state=ReplicaState.PENDING, next_try_at=now, attempts=0, bytes_done=0):
            raise NothingToRetry(_("The copy in %(place)s is there, or on its way.") % {"place": place})
        facts = {"place": place}
        record(aggregate=f"backup:{backup_id}", action="copy.asked", actor=actor.label, facts=facts, now=now)
    return get_backup(backup_id)
