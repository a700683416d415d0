"""Backups with their replicas and drills, pins, rows that a rollback sets aside. No content of any row is here."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bonanca.kernel.ids import new_id
from bonanca.recovery.state import BackupState, DrillState, PinState, ReplicaState, RowKind, RowOutcome


class Holder(models.Model):
    """Which process works on it: a killed one is told from a slow one by pid and start time, elsewhere by its beat."""

    machine = models.CharField(max_length=200, blank=True, default="")
    pid = models.IntegerField(default=0)
    pid_started = models.BigIntegerField(default=0)
    beat_at = models.DateTimeField()

    class Meta:
        abstract = True


class Backup(Holder):
    """One backup of one service's database. Sizes in bytes; `row_counts` is `schema.table` → rows of its snapshot."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # The plan's step that takes it, when a plan does: its next worker finds by it what its last one began.
    key = models.CharField(max_length=300, blank=True, default="")
    service = models.SlugField(max_length=100)
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
    """One copy of a backup in one place. A place never sees the content, nor the key."""

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

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["backup", "place"], name="one_replica_per_place")]

    def __str__(self) -> str:
        return f"{self.place} ({self.state})"


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


class Pin(models.Model):
    """The state of a service before a change: commit, configuration (by content) and a copy of the database.

    `xid` is PostgreSQL's first transaction id after the copy: rows written later carry a newer one.
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
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["service", "-taken_at"], name="pin_service")]

    def __str__(self) -> str:
        return f"{self.service} {self.taken_at:%Y-%m-%d %H:%M}"


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

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["set_aside", "table", "key"], name="one_row_per_key")]

    def __str__(self) -> str:
        return f"{self.table} {self.key} ({self.outcome})"
