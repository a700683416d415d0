"""What was last seen on other hosts, so that pages and transactions need no network to know it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class SeenRelease(models.Model):
    """The current release below a root of a host."""

    host = models.CharField(max_length=400)
    root = models.CharField(max_length=400)
    release = models.CharField(max_length=100, blank=True, default="")
    at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "root"], name="ssh_one_memory_of_a_root")]

    def __str__(self) -> str:
        return f"{self.host}:{self.root} {self.release}"
