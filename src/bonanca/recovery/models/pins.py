"""The state of services before changes."""

from __future__ import annotations

from django.db import models

from bonanca.kernel.ids import new_id
from bonanca.recovery.state import PinKind, PinState


class Pin(models.Model):
    """The state of a service before a change: commit, configuration (by content) and a copy of the database.

    `xid` is PostgreSQL's first transaction id after the copy: rows written later carry a newer one. `point` names the
    moment in the archived log, where there is one. What it cost: `held_seconds` in which new connections waited, and
    `took_seconds` in all; `method` is how the copy was made.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=300, unique=True)
    service = models.SlugField(max_length=100)
    change_id = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(max_length=20, choices=PinState.choices, default=PinState.READY)
    release_sha = models.CharField(max_length=64, blank=True, default="")
    config_path = models.CharField(max_length=1000, blank=True, default="")
    config_sha256 = models.CharField(max_length=64, blank=True, default="")
    config_mode = models.IntegerField(null=True)
    database = models.CharField(max_length=63, blank=True, default="")
    copy_name = models.CharField(max_length=63, blank=True, default="")
    taken_at = models.DateTimeField()
    xid = models.CharField(max_length=20, blank=True, default="")
    lsn = models.CharField(max_length=40, blank=True, default="")
    properties = models.JSONField(default=dict)
    row_counts = models.JSONField(default=dict)
    size_bytes = models.BigIntegerField(null=True)
    held_seconds = models.FloatField(null=True)
    kind = models.CharField(max_length=10, choices=PinKind.choices, default=PinKind.COPY, db_default=PinKind.COPY)
    method = models.CharField(max_length=10, blank=True, default="", db_default="")
    point = models.CharField(max_length=63, blank=True, default="", db_default="")
    system_identifier = models.CharField(max_length=20, blank=True, default="", db_default="")
    took_seconds = models.FloatField(null=True)
    # A second copy, made beforehand for the next return: its name from before it is made, when it was ready, and how
    # many were used up.
    spare_name = models.CharField(max_length=63, blank=True, default="", db_default="")
    spare_at = models.DateTimeField(null=True)
    spares = models.PositiveIntegerField(default=0, db_default=0)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["service", "-taken_at"], name="pin_service")]

    def __str__(self) -> str:
        return f"{self.service} {self.taken_at:%Y-%m-%d %H:%M}"
