"""Put a message into the ledger."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.kernel.errors import Invalid
from bonanca.kernel.ids import new_id
from bonanca.notify.models import Message
from bonanca.notify.queries import LedgerView, view
from bonanca.notify.state import Purpose

CHANNELS = ("email",)


@transaction.atomic
def enqueue_message(
    *, key: str, channel: str, to: str, subject: str, body: str, purpose: str, now: datetime, secret: str = ""
) -> LedgerView:
    """Queue a message inside the caller's transaction; the same key gives the message that is already there.

    `secret` (a link that approves) is sent after the body. The ledger shows it to nobody, and keeps it only until it is
    delivered. It is never put into words that people wrote: those could carry it elsewhere.

    Raises:
        Invalid: the channel, purpose or address cannot be used; `field` says which.
    """
    if channel not in CHANNELS:
        raise Invalid(
            _("There is no channel %(given)s; known: %(known)s.") % {"given": channel, "known": ", ".join(CHANNELS)},
            field="channel",
        )
    if purpose not in Purpose.values:
        raise Invalid(_("There is no purpose %(given)s.") % {"given": purpose}, field="purpose")
    try:
        validate_email(to)
    except ValidationError:
        raise Invalid(_("%(given)s is not an e-mail address.") % {"given": to}, field="to") from None
    identity = new_id()
    message, _fresh = Message.objects.get_or_create(
        key=key,
        defaults={
            "id": identity,
            "channel": channel,
            "to": to,
            # A header line ends where a newline would begin another.
            "subject": " ".join(subject.split())[:300],
            "body": body,
            "secret": secret,
            "purpose": purpose,
            # Short enough for one line: a folded Message-ID is not recognised everywhere.
            "message_id": f"<{identity.hex}@bonanca.invalid>",
            "queued_at": now,
            "next_attempt_at": now,
        },
    )
    return view(message)
