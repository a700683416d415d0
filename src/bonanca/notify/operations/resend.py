"""A person decides about a message that was not certainly delivered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict, NotFound
from bonanca.notify.models import Message
from bonanca.notify.state import MessageState


@transaction.atomic
def resend(message_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Queue a failed or unknown message again, under its old Message-ID.

    Raises:
        NotAllowed: the actor is not a commander.
        NotFound: there is no such message.
        Conflict: the message is neither failed nor unknown.
    """
    require(actor, Permission.COMMAND)
    moved = Message.objects.filter(id=message_id, state__in=[MessageState.FAILED, MessageState.UNKNOWN]).update(
        state=MessageState.QUEUED, attempts=0, next_attempt_at=now
    )
    if not moved:
        if not Message.objects.filter(id=message_id).exists():
            raise NotFound(_("There is no such message."))
        raise Conflict(_("This message is neither failed nor unknown."))
    audit.record(aggregate=f"message:{message_id}", action="notify.resent", actor=actor.label, facts={}, now=now)
