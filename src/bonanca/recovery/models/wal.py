"""The archive of the write-ahead log, file by file, and the points in it that people named."""

from __future__ import annotations

from django.db import models

from bonanca.kernel.ids import new_id


class WalFile(models.Model):
    """One segment or timeline history. `places` is place → what went wrong there ("": it is stored).

    `received_at` is when the receiver had all of it: whatever it holds was committed before. `history` is the text of
    a timeline's history; a segment's content is nowhere but in its places, sealed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.SlugField(max_length=100)
    system_identifier = models.CharField(max_length=20)
    name = models.CharField(max_length=40)
    timeline = models.PositiveIntegerField()
    # A segment's place in the log; -1 for a history.
    number = models.BigIntegerField(default=-1)
    history = models.TextField(blank=True, default="")
    received_at = models.DateTimeField()
    object_name = models.CharField(max_length=300)
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    places = models.JSONField(default=dict)
    complete = models.BooleanField(default=False)
    # place → what a check found wrong there. What lies there is not read any more, and made again from another place.
    damaged = models.JSONField(default=dict, db_default={})
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "system_identifier", "name"], name="one_wal_file_per_name")
        ]
        indexes = [models.Index(fields=["service", "system_identifier", "number"], name="wal_number")]

    @property
    def intact_in(self) -> list[str]:
        """The places that have it, as far as anybody has looked."""
        return [place for place, problem in self.places.items() if not problem and place not in self.damaged]

    def __str__(self) -> str:
        return f"{self.service} {self.name}"


class WalReceiver(models.Model):
    """How the receiver of a service's log stands: one row a service, written by whichever worker looks after it."""

    service = models.SlugField(max_length=100, primary_key=True)
    system_identifier = models.CharField(max_length=20, blank=True, default="")
    slot = models.CharField(max_length=63, blank=True, default="")
    running = models.BooleanField(default=False)
    lag_bytes = models.BigIntegerField(null=True)
    seen_at = models.DateTimeField()
    switched_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.service} ({'running' if self.running else 'stopped'})"


class RestorePoint(models.Model):
    """A named position of the log to which one can go back."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.SlugField(max_length=100)
    name = models.CharField(max_length=63)
    system_identifier = models.CharField(max_length=20)
    lsn = models.CharField(max_length=40)
    timeline = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "name"], name="one_restore_point_per_name")]

    def __str__(self) -> str:
        return f"{self.service} {self.name}"
