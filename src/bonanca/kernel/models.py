"""The audit chain: append-only, hash-chained per aggregate (promise 1: evidence, not memory)."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """One thing that happened to one aggregate, sealed by the hash of what came before it."""

    aggregate = models.CharField(max_length=200)
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=200)
    facts = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["aggregate", "sequence"], name="audit_one_entry_per_sequence"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.aggregate}#{self.sequence} {self.action}"
