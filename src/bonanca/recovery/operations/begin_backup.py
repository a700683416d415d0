"""Begin a backup: its row, before any byte is read."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.kernel.ids import new_id
from bonanca.recovery import holding
from bonanca.recovery.engines import outside_named
from bonanca.recovery.identities import recipients_of
from bonanca.recovery.models import Backup, BackupReplica
from bonanca.recovery.operations.fail_backup import abandon
from bonanca.recovery.places import checked_place
from bonanca.recovery.queries import get_backup
from bonanca.recovery.state import BackupState
from bonanca.recovery.views import BackupView


class NoBackupDeclared(Invalid):
    """The service declares no backup, or nothing that one could take."""


class BackupRunning(Conflict):
    """A backup of this service is running."""


def begin_backup(*, service: str, actor: Actor, now: datetime, key: str = "") -> BackupView:
    """Record that a backup begins. A dead process's unfinished one, or one of the same `key`, is failed first.

    Raises:
        NotFound: no such service. NoBackupDeclared, InvalidRecipient, PlaceInvalid: the declaration does not suffice.
        What an outside engine's `places` raises.
        BackupRunning: a living process takes one. NotAllowed: the actor may not act on the service.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    policy, database = declared.backup, declared.database
    outside = outside_named(policy.engine) if policy is not None and database is not None else None
    if policy is None or not declared.backed_up or not (policy.replicas or outside):
        raise no_backup_declared(service)
    if outside is not None:
        places = outside.places(declared)
    else:
        recipients_of(policy.recipients)
        places = [checked_place(policy.place(place)) for place in dict.fromkeys(policy.replicas)]
    for unfinished in Backup.objects.filter(service=service, state=BackupState.RUNNING):
        if holding.gone(unfinished, now) or (key and unfinished.key == key):
            abandon(unfinished.id, now=now)
    identity = new_id()
    try:
        with transaction.atomic():
            backup = Backup.objects.create(
                id=identity,
                key=key,
                service=service,
                engine=policy.engine if database is not None else "files",
                taken_by=actor.label,
                started_at=now,
                beat_at=now,
                database=database.name if database is not None else "",
                recipients=list(policy.recipients),
                object_name=f"{service}/{service}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{identity.hex[-12:]}.bnc",
                **holding.me(),
            )
            BackupReplica.objects.bulk_create(
                BackupReplica(backup=backup, position=position, place=place)
                for position, place in enumerate(places, start=1)
            )
            facts = {"service": service, "database": database.name if database else None, "replicas": places}
            record(aggregate=f"backup:{backup.id}", action="backup.started", actor=actor.label, facts=facts, now=now)
    except IntegrityError as error:
        raise BackupRunning(_("A backup of %(service)s is running.") % {"service": service}) from error
    return get_backup(backup.id)


def no_backup_declared(service: str) -> NoBackupDeclared:
    """The refusal, with what to do."""
    return NoBackupDeclared(
        _("The service %(service)s declares no backup.") % {"service": service},
        hint=_(
            "Declare `database` or `backup.files`, and `backup` (replicas, recipients), in bonanca.yaml and apply it."
        ),
    )
