"""Restores of backups into scratch servers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bonanca.kernel.ids import new_id
from bonanca.recovery.models.backups import Backup
from bonanca.recovery.models.holder import Holder
from bonanca.recovery.state import DrillState


class Drill(Holder):
    """One restore of a backup into a scratch server. `restore_seconds` is the RTO, `age_seconds` the RPO measured."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=300, blank=True, default="")
    backup = models.ForeignKey(Backup, on_delete=models.CASCADE, related_name="drills")
    state = models.CharField(max_length=20, choices=DrillState.choices, default=DrillState.RUNNING)
    run_by = models.CharField(max_length=300)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    restore_seconds = models.FloatField(null=True)
    age_seconds = models.FloatField(null=True)
    evidence = models.JSONField(default=dict)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["backup"], condition=Q(state=DrillState.RUNNING), name="one_running_drill_per_backup"
            )
        ]

    def __str__(self) -> str:
        return f"{self.backup_id} {self.started_at:%Y-%m-%d %H:%M} ({self.state})"
