"""The ledger: every message that leaves, once, with what became of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bonanca.kernel.ids import new_id
from bonanca.notify.state import MessageState, Purpose


class Message(models.Model):
    """One message to one address. `key` is the reason for it, so that the same reason sends once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=200, unique=True)
    channel = models.CharField(max_length=20)
    to = models.CharField(max_length=300)
    subject = models.CharField(max_length=300)
    body = models.TextField()
    # What only its reader may see (a link that approves): sent after the body, and forgotten when it was delivered.
    secret = models.TextField(blank=True, default="", db_default="")
    purpose = models.CharField(max_length=10, choices=Purpose)
    state = models.CharField(max_length=10, choices=MessageState, default=MessageState.QUEUED)
    # RFC 5322 Message-ID: a resending carries the same one, so that mail programs show it once.
    message_id = models.CharField(max_length=200)
    attempts = models.PositiveIntegerField(default=0)
    queued_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="queued"), name="notify_due"),
            models.Index(fields=["claimed_at"], condition=Q(state="sending"), name="notify_claimed"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.to}: {self.subject}"
