"""Restores that were previewed and started, and the databases that restores and rollbacks replaced and kept."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bonanca.kernel.ids import new_id
from bonanca.recovery.models.holder import Holder
from bonanca.recovery.state import KeptState, RestoreMode, RestorePart, RestoreState


class Restore(models.Model):
    """One restore as it was shown before it was started. What became of it is in its plan (`run_id`).

    `database` is the name that the restored data gets; `spec` the frozen steps, `verdict` the findings at the preview.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.SlugField(max_length=100)
    backup_id = models.UUIDField()
    target_kind = models.CharField(max_length=20, default="backup")
    target_value = models.CharField(max_length=200, blank=True, default="")
    mode = models.CharField(max_length=20, choices=RestoreMode.choices)
    database = models.CharField(max_length=63)
    part = models.CharField(
        max_length=20, choices=RestorePart, default=RestorePart.DATABASE, db_default=RestorePart.DATABASE
    )
    # Where files go beside what runs; empty where they take the place of it, or none are restored.
    folder = models.TextField(blank=True, default="", db_default="")
    state = models.CharField(max_length=20, choices=RestoreState.choices, default=RestoreState.PROPOSED)
    verdict = models.JSONField(default=list)
    spec = models.JSONField(default=dict)
    proposed_by = models.CharField(max_length=300)
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    started_by = models.CharField(max_length=300, blank=True, default="")
    started_at = models.DateTimeField(null=True)
    run_id = models.UUIDField(null=True, unique=True)

    class Meta:
        indexes = [models.Index(fields=["service", "-proposed_at"], name="restore_service")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=RestoreState.PROPOSED) | Q(run_id__isnull=False), name="started_restore_has_a_run"
            )
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.proposed_at:%Y-%m-%d %H:%M} ({self.state})"


class Kept(models.Model):
    """A database that was replaced. Closed to the service, opened for a person who says why, dropped at its time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.SlugField(max_length=100)
    name = models.CharField(max_length=63)
    database = models.CharField(max_length=63)
    state = models.CharField(max_length=20, choices=KeptState.choices, default=KeptState.KEPT)
    kept_at = models.DateTimeField()
    kept_by = models.CharField(max_length=300)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Who has it dropped: written first, so that a crash in the middle is not taken for something else.
    dropping_by = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "name"], name="one_kept_database_per_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class KeptFiles(models.Model):
    """A folder or file that was replaced, or that an undo took away again: it lies, closed, beside where it was.

    `kept_by` is the plan that moved it there; `size_bytes` None: nobody has counted it yet.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.SlugField(max_length=100)
    name = models.CharField(max_length=63)
    path = models.TextField()
    kept_path = models.TextField()
    state = models.CharField(max_length=20, choices=KeptState, default=KeptState.KEPT)
    size_bytes = models.BigIntegerField(null=True)
    kept_at = models.DateTimeField()
    kept_by = models.UUIDField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Who has it dropped: written first, so that a crash in the middle is not taken for something else.
    dropping_by = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "name"], name="one_kept_tree_per_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class ServerMove(Holder):
    """A data directory that takes the place of another: written before anything is touched.

    `new` and `before` are the inode numbers of what comes and of what was there, empty while they are not known: by
    them one finds out what a process that was killed had come to. `work`: the folder that is removed at the end.
    `booked`: it came into effect, and that is written down; `answered`: whoever asked was told.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.SlugField(max_length=100)
    path = models.TextField()
    undo = models.BooleanField()
    work = models.TextField(blank=True, default="")
    incoming = models.TextField()
    kept_path = models.TextField()
    new = models.CharField(max_length=20, blank=True, default="")
    before = models.CharField(max_length=20, blank=True, default="")
    facts = models.JSONField(default=dict)
    begun_by = models.CharField(max_length=300)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    booked = models.BooleanField(default=False)
    answered = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["machine", "path"], condition=Q(ended_at=None), name="one_server_move_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["path", "-begun_at"], name="server_move_newest")]

    def __str__(self) -> str:
        return f"{self.path} {self.begun_at:%Y-%m-%d %H:%M}"
