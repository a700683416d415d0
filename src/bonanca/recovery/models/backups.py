"""Backups and their replicas."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bonanca.kernel.ids import new_id
from bonanca.recovery.models.holder import Holder
from bonanca.recovery.state import BackupState, ReplicaState


class Backup(Holder):
    """One backup of one service's database. Sizes in bytes; `row_counts` is `schema.table` → rows of its snapshot."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # The plan's step that takes it, when a plan does: its next worker finds by it what its last one began.
    key = models.CharField(max_length=300, blank=True, default="")
    # An incremental backup is nothing without the one before it, which therefore cannot be forgotten.
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    # What the engine has to know again, such as LSNs and the timeline; no content of anything.
    facts = models.JSONField(default=dict, db_default={})
    service = models.SlugField(max_length=100)
    # Who took it, and so who can open it: a name of recovery/engines.
    engine = models.CharField(max_length=20, default="logical", db_default="logical")
    state = models.CharField(max_length=20, choices=BackupState.choices, default=BackupState.RUNNING)
    taken_by = models.CharField(max_length=300)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    snapshot_at = models.DateTimeField(null=True)
    database = models.CharField(max_length=63)
    server_version = models.PositiveIntegerField(default=0)
    lsn = models.CharField(max_length=40, blank=True, default="")
    row_counts = models.JSONField(default=dict)
    object_name = models.CharField(max_length=300)
    database_bytes = models.BigIntegerField(default=0)
    plain_bytes = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    error = models.TextField(blank=True, default="")
    verified_at = models.DateTimeField(null=True)
    # Public keys, each of which opens it; None: taken by a release that did not keep them.
    recipients = models.JSONField(null=True)
    # Objects that may lie in its places and are not it: of a key rotation that did not end, or that just did.
    stray_objects = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["service", "-started_at"], name="backup_service")]
        constraints = [
            models.UniqueConstraint(
                fields=["service"], condition=Q(state=BackupState.RUNNING), name="one_running_backup_per_service"
            ),
            models.CheckConstraint(
                condition=~Q(state=BackupState.VERIFIED) | Q(verified_at__isnull=False), name="verified_has_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.started_at:%Y-%m-%d %H:%M} ({self.state})"


class BackupReplica(models.Model):
    """One copy of a backup in one place. A place never sees the content, nor the key.

    Machine, pid and beat are those of the process that copies it; `bytes_done` is what the place has of it meanwhile.
    What came later has defaults in the database, too: an earlier release may still write rows.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    backup = models.ForeignKey(Backup, on_delete=models.CASCADE, related_name="replicas")
    position = models.PositiveSmallIntegerField()
    place = models.CharField(max_length=1000)
    state = models.CharField(max_length=20, choices=ReplicaState.choices, default=ReplicaState.PENDING)
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    stored_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    machine = models.CharField(max_length=200, blank=True, default="", db_default="")
    pid = models.IntegerField(default=0, db_default=0)
    pid_started = models.BigIntegerField(default=0, db_default=0)
    beat_at = models.DateTimeField(null=True)
    bytes_done = models.BigIntegerField(default=0, db_default=0)
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    next_try_at = models.DateTimeField(null=True)
    # Until then the place itself refuses to remove it (object lock).
    locked_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["backup", "place"], name="one_replica_per_place"),
            models.CheckConstraint(
                condition=~Q(state=ReplicaState.COPYING) | Q(beat_at__isnull=False), name="copying_has_a_beat"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place} ({self.state})"
