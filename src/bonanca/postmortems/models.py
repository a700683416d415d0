"""Post-mortems: the evidence they were drafted from, frozen at that moment."""

from __future__ import annotations

from django.db import models

from bonanca.kernel.ids import new_id
from bonanca.postmortems.state import PostmortemState


class Postmortem(models.Model):
    """One document about one incident. `evidence` is measured and never edited; words are made from it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    incident_id = models.UUIDField(unique=True)
    number = models.PositiveIntegerField(unique=True)
    title = models.CharField(max_length=200)
    # The title as message id and facts (bonanca.ui.phrases), when no person wrote it.
    title_phrase = models.JSONField(null=True)
    service = models.CharField(max_length=100)
    team = models.CharField(max_length=100)
    severity = models.CharField(max_length=12)
    state = models.CharField(max_length=12, choices=PostmortemState, default=PostmortemState.DRAFT)
    evidence = models.JSONField()
    drafted_at = models.DateTimeField()

    class Meta:
        ordering = ["-drafted_at"]

    def __str__(self) -> str:
        return f"INC-{self.number} {self.title}"
