"""Where the resume-everything procedure lies beside the backups."""

from __future__ import annotations

from django.db import models


class ProcedureCopy(models.Model):
    """The procedure as it was last written to one place. `error` is why the newest could not be."""

    place = models.CharField(max_length=1000, unique=True)
    digest = models.CharField(max_length=64, blank=True, default="")
    written_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField()
    error = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.place
