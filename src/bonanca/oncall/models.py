"""Who was paged when, and who answered."""

from __future__ import annotations

from django.db import models

from bonanca.kernel.ids import new_id


class Page(models.Model):
    """One call to one person about one incident."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    incident_id = models.UUIDField()
    incident_number = models.PositiveIntegerField()
    team = models.CharField(max_length=100)
    email = models.EmailField()
    name = models.CharField(max_length=200)
    message_key = models.CharField(max_length=200)
    # Why the same person is called again about the same incident; empty for its opening.
    occasion = models.CharField(max_length=60, blank=True, default="", db_default="")
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incident_id", "email", "occasion"], name="oncall_paged_once_per_occasion")
        ]

    def __str__(self) -> str:
        return f"INC-{self.incident_number} to {self.name}"
