"""Who works on it: what a killed process leaves is told from what a slow one does."""

from __future__ import annotations

from django.db import models


class Holder(models.Model):
    """Which process works on it: a killed one is told from a slow one by pid and start time, elsewhere by its beat."""

    machine = models.CharField(max_length=200, blank=True, default="")
    pid = models.IntegerField(default=0)
    pid_started = models.BigIntegerField(default=0)
    beat_at = models.DateTimeField()

    class Meta:
        abstract = True
