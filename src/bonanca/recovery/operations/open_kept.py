"""Let people read a kept database for a while: it holds others' data, so who and why is written down first."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.postgres.keeping import open_database
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Invalid
from bonanca.recovery.models import Kept
from bonanca.recovery.operations.keep_longer import kept_row

AT_MOST_H = 24.0


class ReasonMissing(Invalid):
    """Reading what was set aside needs a reason."""


def open_kept(*, service: str, name: str, reason: str, hours: float, actor: Actor, now: datetime) -> datetime:
    """Open it for reading; returns when it is closed again (at most a day). The audit has who, why and until when.

    Raises:
        NotFound, KeptNotFound, ReasonMissing, NotAllowed (commanders only).
    """
    require(actor, Permission.COMMAND)
    if not reason.strip():
        raise ReasonMissing(_("Say why it must be read."), field="reason")
    until = now + timedelta(hours=min(max(hours, 0.1), AT_MOST_H))
    row, dsn = kept_row(service, name, now)
    with transaction.atomic():
        Kept.objects.filter(pk=row.pk).update(open_until=until, closed_at=None)
        facts = {"service": service, "database": name, "reason": reason.strip()[:500], "until": until.isoformat()}
        record(aggregate=f"kept:{row.pk}", action="kept.opened", actor=actor.label, facts=facts, now=now)
    open_database(dsn, name)
    return until
