"""What the public was told."""

from __future__ import annotations

from django.db import models

from bonanca.comms.state import UpdateState
from bonanca.kernel.ids import new_id


class StatusUpdate(models.Model):
    """One public update about one incident. Never edited: a correction is another update."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    incident_id = models.UUIDField(db_index=True)
    service = models.CharField(max_length=100)
    # Makes an automatic update idempotent for a reaction that may run twice.
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=14, choices=UpdateState)
    # An English message id, unless a person wrote it.
    text = models.TextField()
    written_by_person = models.BooleanField(default=False)
    published_by = models.CharField(max_length=200)
    published_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident_id", "key"], name="comms_update_once")]
        ordering = ["-published_at", "-id"]

    def __str__(self) -> str:
        return f"{self.state}: {self.text[:60]}"
