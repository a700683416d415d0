"""The life of a message in the ledger."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Purpose(TextChoices):
    # Wakes somebody: better twice than not at all.
    PAGE = "page", _("page")
    # Told to the world: better late than twice.
    PUBLIC = "public", _("public")
    INTERNAL = "internal", _("internal")


class MessageState(TextChoices):
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("failed")
    # The sender died in the middle: the other side may or may not have it. A person decides.
    UNKNOWN = "unknown", _("unknown")


TRANSITIONS: dict[str, frozenset[str]] = {
    MessageState.QUEUED: frozenset({MessageState.SENDING}),
    MessageState.SENDING: frozenset(
        {MessageState.DELIVERED, MessageState.FAILED, MessageState.QUEUED, MessageState.UNKNOWN}
    ),
    MessageState.UNKNOWN: frozenset({MessageState.QUEUED, MessageState.DELIVERED}),
    MessageState.FAILED: frozenset({MessageState.QUEUED}),
    MessageState.DELIVERED: frozenset(),
}
