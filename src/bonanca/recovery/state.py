"""States of backups, their replicas, drills, pins and set-aside rows, and which changes are possible."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class BackupState(models.TextChoices):
    """A backup is worth something once it was restored: `verified`. `failed` also means that no replica is intact."""

    RUNNING = "running", _("running")
    STORED = "stored", _("stored")
    VERIFIED = "verified", _("verified")
    FAILED = "failed", _("failed")
    PRUNED = "pruned", _("removed by the retention policy")


class ReplicaState(models.TextChoices):
    """A copy in one place. `failed` is tried again by itself; `given_up` and `damaged` wait for a person."""

    PENDING = "pending", _("pending")
    COPYING = "copying", _("copying")
    STORED = "stored", _("stored")
    VERIFIED = "verified", _("verified")
    FAILED = "failed", _("failed")
    DAMAGED = "damaged", _("damaged")
    GIVEN_UP = "given_up", _("given up")
    REMOVING = "removing", _("being removed")
    REMOVED = "removed", _("removed")


class DrillState(models.TextChoices):
    """A drill is one restore into a scratch server."""

    RUNNING = "running", _("running")
    PASSED = "passed", _("passed")
    FAILED = "failed", _("failed")


class PinState(models.TextChoices):
    READY = "ready", _("ready")
    DROPPED = "dropped", _("dropped")


class PinKind(models.TextChoices):
    """How the data before a change is pinned: what it costs then, and what going back costs later."""

    COPY = "copy", _("a copy, while writes wait")
    SNAPSHOT = "snapshot", _("a copy, while writes go on")
    LOG = "log", _("a position in the archived log")


class RowKind(models.TextChoices):
    NEW = "new", _("new")
    CHANGED = "changed", _("changed")


class RowOutcome(models.TextChoices):
    """What became of a set-aside row. `decision`: it cannot be replayed by itself; `discarded`: a person let it go."""

    PENDING = "pending", _("to do")
    APPLIED = "applied", _("re-applied")
    DUPLICATE = "duplicate", _("already there")
    CONFLICT = "conflict", _("conflict")
    DECISION = "decision", _("needs a decision")
    DISCARDED = "discarded", _("discarded")


class RestoreMode(models.TextChoices):
    """`beside`: a database or folder of its own, next to the service's. `swap`: in its place, which is kept."""

    BESIDE = "beside", _("beside what runs")
    SWAP = "swap", _("in the place of what runs")


class RestorePart(models.TextChoices):
    """What of a backup is brought back."""

    DATABASE = "database", _("the database")
    FILES = "files", _("folders and files")
    EVERYTHING = "everything", _("the database, folders and files")


class RestoreState(models.TextChoices):
    """Whether a previewed restore was started. How it goes and ends is its plan's to say."""

    PROPOSED = "proposed", _("previewed")
    STARTED = "started", _("started")


class KeptState(models.TextChoices):
    """`returned`: it took its place again, or somebody else dropped or renamed it."""

    KEPT = "kept", _("kept")
    RETURNED = "returned", _("put back")
    DROPPED = "dropped", _("dropped")


KEPT_TRANSITIONS: Final[dict[KeptState, frozenset[KeptState]]] = {
    KeptState.KEPT: frozenset({KeptState.RETURNED, KeptState.DROPPED}),
    # The undo of an undo keeps it again, under the same name.
    KeptState.RETURNED: frozenset({KeptState.KEPT}),
    KeptState.DROPPED: frozenset(),
}

BACKUP_TRANSITIONS: Final[dict[BackupState, frozenset[BackupState]]] = {
    BackupState.RUNNING: frozenset({BackupState.STORED, BackupState.FAILED}),
    # A later drill may find that what was good has been damaged since.
    BackupState.STORED: frozenset({BackupState.VERIFIED, BackupState.FAILED, BackupState.PRUNED}),
    BackupState.VERIFIED: frozenset({BackupState.VERIFIED, BackupState.STORED, BackupState.FAILED, BackupState.PRUNED}),
    BackupState.FAILED: frozenset(),
    BackupState.PRUNED: frozenset(),
}

REPLICA_TRANSITIONS: Final[dict[ReplicaState, frozenset[ReplicaState]]] = {
    ReplicaState.PENDING: frozenset(
        {ReplicaState.COPYING, ReplicaState.STORED, ReplicaState.FAILED, ReplicaState.REMOVING}
    ),
    ReplicaState.COPYING: frozenset(
        {ReplicaState.PENDING, ReplicaState.STORED, ReplicaState.FAILED, ReplicaState.GIVEN_UP}
    ),
    ReplicaState.STORED: frozenset({ReplicaState.VERIFIED, ReplicaState.DAMAGED, ReplicaState.REMOVING}),
    ReplicaState.VERIFIED: frozenset({ReplicaState.VERIFIED, ReplicaState.DAMAGED, ReplicaState.REMOVING}),
    ReplicaState.FAILED: frozenset({ReplicaState.COPYING, ReplicaState.PENDING, ReplicaState.REMOVING}),
    # What was damaged may be read intact again (a disk that came back); else a person has it copied anew.
    ReplicaState.DAMAGED: frozenset(
        {ReplicaState.VERIFIED, ReplicaState.DAMAGED, ReplicaState.PENDING, ReplicaState.REMOVING}
    ),
    ReplicaState.GIVEN_UP: frozenset({ReplicaState.PENDING, ReplicaState.REMOVING}),
    ReplicaState.REMOVING: frozenset({ReplicaState.REMOVED}),
    ReplicaState.REMOVED: frozenset(),
}

DRILL_TRANSITIONS: Final[dict[DrillState, frozenset[DrillState]]] = {
    DrillState.RUNNING: frozenset({DrillState.PASSED, DrillState.FAILED}),
    DrillState.PASSED: frozenset(),
    DrillState.FAILED: frozenset(),
}

# Places that were given the whole backup, and may be asked for it.
HOLDING: Final = (ReplicaState.STORED, ReplicaState.VERIFIED, ReplicaState.DAMAGED)
# Copies that a worker makes by itself when their time has come.
TO_COPY: Final = (ReplicaState.PENDING, ReplicaState.FAILED)
# Good when they were taken, whatever became of them by plan.
GOOD_ONCE: Final = (BackupState.STORED, BackupState.VERIFIED, BackupState.PRUNED)
RESTORABLE: Final = (BackupState.STORED, BackupState.VERIFIED)
# A replay may be told again about what has no final outcome yet.
UNSETTLED: Final = (RowOutcome.PENDING,)
# What waits for a person, who has it applied again or lets it go.
UNDECIDED: Final = (RowOutcome.CONFLICT, RowOutcome.DECISION)


def backup_sources(target: BackupState) -> list[BackupState]:
    """The states from which `target` can be reached: the WHERE of the conditional UPDATE."""
    return [source for source, targets in BACKUP_TRANSITIONS.items() if target in targets]


class DrillMark(models.TextChoices):
    """What a service's drills say at this moment; the worst that applies."""

    NEVER = "never", _("never drilled")
    FAILED = "failed", _("drill failed")
    OVERDUE = "overdue", _("drill overdue")
    MISSED = "missed", _("objective missed")
    OK = "ok", _("drilled")


class BackupMark(models.TextChoices):
    """What a service's backups say at this moment."""

    NEVER = "never", _("no backup yet")
    FAILED = "failed", _("backup failed")
    OVERDUE = "overdue", _("backup overdue")
    OK = "ok", _("backed up")


def replica_sources(target: ReplicaState) -> list[ReplicaState]:
    """The states from which a copy can come to `target`."""
    return [source for source, targets in REPLICA_TRANSITIONS.items() if target in targets]


class ExerciseState(models.TextChoices):
    """A walk through the resume-everything procedure."""

    RUNNING = "running", _("running")
    PASSED = "passed", _("passed")
    FAILED = "failed", _("failed")
    ABANDONED = "abandoned", _("ended early")


class ExerciseStepState(models.TextChoices):
    PENDING = "pending", _("to do")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    SKIPPED = "skipped", _("skipped")


EXERCISE_STEP_TRANSITIONS: Final[dict[ExerciseStepState, frozenset[ExerciseStepState]]] = {
    ExerciseStepState.PENDING: frozenset(
        {ExerciseStepState.RUNNING, ExerciseStepState.DONE, ExerciseStepState.FAILED, ExerciseStepState.SKIPPED}
    ),
    ExerciseStepState.RUNNING: frozenset({ExerciseStepState.DONE, ExerciseStepState.FAILED}),
    ExerciseStepState.DONE: frozenset(),
    # What failed may be done again: the second attempt counts, and both are in the record.
    ExerciseStepState.FAILED: frozenset({ExerciseStepState.RUNNING, ExerciseStepState.DONE, ExerciseStepState.SKIPPED}),
    ExerciseStepState.SKIPPED: frozenset(),
}


class ReviewState(models.TextChoices):
    """Of what is looked at before data comes back. `nothing`: nothing came back, and nobody had to be asked."""

    WAITING = "waiting", _("waits for people")
    AGREED = "agreed", _("agreed")
    NOTHING = "nothing", _("nothing comes back")


class PointState(models.TextChoices):
    """`once`: one person has ticked it, and the policy wants a second one."""

    OPEN = "open", _("to be looked at")
    ONCE = "once", _("waits for a second person")
    DONE = "done", _("looked at")


REVIEW_TRANSITIONS: Final[dict[ReviewState, frozenset[ReviewState]]] = {
    ReviewState.WAITING: frozenset({ReviewState.AGREED}),
    ReviewState.AGREED: frozenset(),
    ReviewState.NOTHING: frozenset(),
}

POINT_TRANSITIONS: Final[dict[PointState, frozenset[PointState]]] = {
    PointState.OPEN: frozenset({PointState.ONCE, PointState.DONE}),
    PointState.ONCE: frozenset({PointState.DONE}),
    PointState.DONE: frozenset(),
}
