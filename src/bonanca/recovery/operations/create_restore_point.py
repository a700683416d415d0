"""Name this moment of a service's server, so that one can go back to it by its name."""

from __future__ import annotations

import re
from datetime import datetime

import psycopg
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.postgres.databases import NotEnoughRights
from bonanca.actuators.postgres.sessions import maintenance_dsn, one, session
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.recovery.guards import database_of, refuse_own_server
from bonanca.recovery.models import RestorePoint
from bonanca.recovery.views import RestorePointView

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class BadPointName(Invalid):
    """Not a name for a restore point."""


class PointExists(Conflict):
    """The service has a restore point of this name."""


class NoLogDeclared(Invalid):
    """Without an archived log nobody can go back to a point of it."""


def create_restore_point(*, service: str, name: str, actor: Actor, now: datetime) -> RestorePointView:
    """Write a named point into the server's log and remember where it is.

    Raises:
        NotFound, NoDatabaseDeclared, OwnServer, NoLogDeclared, BadPointName, PointExists, NotAllowed.
        NotEnoughRights: the login may not (superusers may, and whom they granted pg_create_restore_point).
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    dsn = database_of(declared).dsn()
    if declared.backup is None or not declared.backup.archives_log:
        raise NoLogDeclared(
            _("The log of %(service)s is not archived: nobody could go back to this point.") % {"service": service},
            hint=_("Declare `engine: physical` and `wal` in its backup, or `engine: pgbackrest`."),
        )
    if not _NAME.fullmatch(name):
        raise BadPointName(_("A restore point's name has letters, digits, . _ and -, at most 63."), field="name")
    if RestorePoint.objects.filter(service=service, name=name).exists():
        raise PointExists(_("%(service)s has a restore point %(name)s already.") % {"service": service, "name": name})
    refuse_own_server(dsn)
    try:
        with session(maintenance_dsn(dsn)) as connection:
            lsn = str(one(connection, "SELECT pg_create_restore_point(%s)", (name,)))
            timeline = int(one(connection, "SELECT timeline_id FROM pg_control_checkpoint()"))
            identifier = str(one(connection, "SELECT system_identifier FROM pg_control_system()"))
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotEnoughRights(
            _("The database login may not do this: %(reason)s") % {"reason": error.diag.message_primary},
            hint=_("Grant it: GRANT EXECUTE ON FUNCTION pg_create_restore_point TO its role."),
        ) from error
    try:
        with transaction.atomic():
            row = RestorePoint.objects.create(
                service=service,
                name=name,
                system_identifier=identifier,
                lsn=lsn,
                timeline=timeline,
                created_at=now,
                created_by=actor.label,
            )
            facts = {"service": service, "name": name, "lsn": lsn, "timeline": timeline}
            record(
                aggregate=f"service:{service}", action="restore_point.created", actor=actor.label, facts=facts, now=now
            )
    except IntegrityError as error:
        raise PointExists(
            _("%(service)s has a restore point %(name)s already.") % {"service": service, "name": name}
        ) from error
    return RestorePointView(row.name, row.lsn, row.timeline, row.created_at, row.created_by)
