"""Rows that a rollback sets aside. No content of any row is here."""

from __future__ import annotations

from django.db import models

from bonanca.kernel.ids import new_id
from bonanca.recovery.state import RowKind, RowOutcome


class SetAside(models.Model):
    """What a rollback set aside, as one list. The rows' content is in `file` (JSON lines, 0600), not here."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=300, unique=True)
    run_id = models.UUIDField()
    service = models.SlugField(max_length=100)
    pin_id = models.UUIDField()
    kept_database = models.CharField(max_length=63)
    file = models.CharField(max_length=1000)
    file_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    reapplied_at = models.DateTimeField(null=True)
    # When the file was removed by policy; the list of keys and what became of them stays.
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["service", "-created_at"], name="set_aside_service")]

    def __str__(self) -> str:
        return f"{self.service} {self.created_at:%Y-%m-%d %H:%M}"


class SetAsideRow(models.Model):
    """One row of the list, by table and key, and what became of it."""

    set_aside = models.ForeignKey(SetAside, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    table = models.CharField(max_length=130)
    key = models.TextField()
    kind = models.CharField(max_length=10, choices=RowKind.choices)
    outcome = models.CharField(max_length=20, choices=RowOutcome.choices)
    reason = models.TextField(blank=True, default="")
    settled_at = models.DateTimeField(null=True)
    # The person who decided about it; empty when the service's replay did.
    settled_by = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["set_aside", "table", "key"], name="one_row_per_key")]

    def __str__(self) -> str:
        return f"{self.table} {self.key} ({self.outcome})"
