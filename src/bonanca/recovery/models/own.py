"""Backups of Bonança's own database."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bonanca.kernel.ids import new_id
from bonanca.recovery.models.holder import Holder
from bonanca.recovery.state import BackupState


class OwnBackup(Holder):
    """One backup of Bonança's own database. `places` are {place, ok, error}; sizes in bytes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    state = models.CharField(max_length=20, choices=BackupState.choices, default=BackupState.RUNNING)
    taken_by = models.CharField(max_length=300)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    snapshot_at = models.DateTimeField(null=True)
    database = models.CharField(max_length=63)
    object_name = models.CharField(max_length=300)
    database_bytes = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    row_counts = models.JSONField(default=dict)
    places = models.JSONField(default=list)
    error = models.TextField(blank=True, default="")
    verified_at = models.DateTimeField(null=True)
    restore_seconds = models.FloatField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-started_at"], name="own_backup_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state=BackupState.RUNNING), name="one_running_own_backup"
            )
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} ({self.state})"
