"""Drop a kept database, or remove kept files: what they held is then only in backups."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.postgres.databases import drop_database
from bonanca.durable.context import FenceToken
from bonanca.durable.crashpoints import point
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError, Conflict, Unavailable
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import KeptDropped
from bonanca.recovery.models import Kept
from bonanca.recovery.operations.keep_files import remove_for_good
from bonanca.recovery.operations.keep_longer import kept_row, kept_tree_row
from bonanca.recovery.state import KeptState


class KeptInUse(Conflict):
    """A plan is working on the service's databases."""


class KeptNotRemoved(Unavailable):
    """The system does not let kept files be removed."""


def drop_kept(*, service: str, name: str, actor: Actor, now: datetime) -> None:
    """Drop it now, for good. The undo of what replaced it is then no longer possible.

    Raises:
        KeptNotFound, NotAllowed (commanders only); NotEnoughRights, Unavailable: it is still there.
        DatabaseBusy: another plan works on it.
    """
    require(actor, Permission.COMMAND)
    tree = kept_tree_row(service, name)
    if tree is not None:
        try:
            remove_for_good(tree, by=actor.label, now=now, expired=False)
        except OSError as problem:
            raise KeptNotRemoved(f"{problem.filename or tree.kept_path}: {problem.strerror}") from problem
        return
    row, dsn = kept_row(service, name, now)
    drop_for_good(row, dsn, by=actor.label, now=now, expired=False)


def drop_for_good(row: Kept, dsn: str, *, by: str, now: datetime, expired: bool) -> None:
    """Drop the database, then say so in one transaction; a crash in between drops nothing a second time."""
    mine = Kept.objects.filter(pk=row.pk, state=KeptState.KEPT)
    mine.update(dropping_by=by)
    try:
        drop_database(dsn, name=row.name, token=FenceToken(row.id, 1))
    except BonancaError:
        mine.update(dropping_by="")  # it is there, and whoever asked is told so
        raise
    point("recovery.kept.dropped")
    say_dropped(row, by=by, now=now, expired=expired)


def say_dropped(row: Kept, *, by: str, now: datetime, expired: bool) -> None:
    """Record that the database is gone. Raises KeptInUse: it has ended otherwise."""
    with transaction.atomic():
        changed = Kept.objects.filter(pk=row.pk, state=KeptState.KEPT).update(
            state=KeptState.DROPPED, ended_at=now, dropping_by=""
        )
        if not changed:
            raise KeptInUse(_("Somebody else has decided about %(name)s.") % {"name": row.name})
        facts = {"service": row.service, "database": row.name, "expired": expired}
        record(aggregate=f"kept:{row.pk}", action="kept.dropped", actor=by, facts=facts, now=now)
        publish(KeptDropped(row.service, row.name, expired), now=now)
