"""Keep a replaced database, folder or file longer than the policy says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import RestoreSpec
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Invalid
from bonanca.recovery.guards import database_of
from bonanca.recovery.models import Kept, KeptFiles
from bonanca.recovery.queries import kept_database
from bonanca.recovery.state import KeptState

AT_MOST_H = 366 * 24.0


class BadDuration(Invalid):
    """Not a time that one can keep something for."""


def keep_longer(*, service: str, name: str, hours: float, actor: Actor, now: datetime) -> datetime:
    """Let it expire `hours` from now at the earliest; returns when it will. It never shortens the time.

    Raises:
        NotFound, KeptNotFound, BadDuration, NotAllowed.
    """
    require(actor, Permission.RESPOND, team=get_service(service).team_slug)
    if not 0 < hours <= AT_MOST_H:
        raise BadDuration(_("Keep it for 1 hour to 366 days."), field="hours")
    row = kept_tree_row(service, name) or kept_row(service, name, now)[0]
    with transaction.atomic():
        rows: QuerySet[Any] = type(row)._default_manager.filter(pk=row.pk)
        until: datetime = max(rows.select_for_update().get().expires_at, now + timedelta(hours=hours))
        rows.update(expires_at=until)
        facts = {"service": service, "database": name, "until": until.isoformat()}
        record(aggregate=f"kept:{row.pk}", action="kept.extended", actor=actor.label, facts=facts, now=now)
    return until


def kept_tree_row(service: str, name: str) -> KeptFiles | None:
    """The row of folders or files that are kept under that name; None: it is none of these."""
    return KeptFiles.objects.filter(service=service, name=name, state=KeptState.KEPT).first()


def kept_row(service: str, name: str, now: datetime) -> tuple[Kept, str]:
    """The row of a database that is kept on the service's server at this moment, and the server's address.

    Raises:
        NotFound, NoDatabaseDeclared, KeptNotFound, DatabaseUnreachable.
    """
    declared = get_service(service)
    dsn, there = database_of(declared).dsn(), kept_database(service, name)
    keep = timedelta(hours=(declared.restore or RestoreSpec()).keep_replaced_h)
    row, _created = Kept.objects.get_or_create(
        service=service,
        name=name,
        defaults={
            "database": there.database,
            "kept_at": there.kept_at,
            "kept_by": there.kept_by,
            "expires_at": max(there.kept_at, now) + keep,
        },
    )
    if row.state != KeptState.KEPT:
        Kept.objects.filter(pk=row.pk).update(state=KeptState.KEPT, closed_at=None, ended_at=None)
        row.refresh_from_db()
    return row, dsn
