"""Plans, their steps and the workers that carry them out. The invariants are constraints of the database."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from bonanca.durable.state import Direction, RunState, StepState
from bonanca.kernel.ids import new_id


class Executor(models.Model):
    """One life of one worker process: a restarted worker is a new executor, so an old one can never pass for it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    host = models.CharField(max_length=200)
    slot = models.CharField(max_length=50)
    # Where pid and pid_started mean something: boot id and pid namespace.
    machine = models.CharField(max_length=200)
    pid = models.IntegerField()
    pid_started = models.BigIntegerField()
    # Both by the database's clock, so that hosts need not agree on the time.
    started_at = models.DateTimeField()
    last_seen = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["host"], condition=Q(ended_at=None), name="executor_living")]

    def __str__(self) -> str:
        return f"{self.host} #{self.slot} (pid {self.pid})"


class PlanRun(models.Model):
    """One plan and how far it is. ``epoch`` grows with each worker that takes it; older ones can write no more."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=300, unique=True)
    kind = models.CharField(max_length=100)
    subject = models.CharField(max_length=300)
    title = models.CharField(max_length=500)
    # The title as message id and facts (bonanca.ui.phrases), when no person wrote it.
    title_phrase = models.JSONField(null=True)
    context = models.JSONField()
    state = models.CharField(max_length=20, choices=RunState.choices, default=RunState.QUEUED)
    epoch = models.PositiveIntegerField(default=0)
    takeovers = models.PositiveIntegerField(default=0)
    executor = models.ForeignKey(Executor, null=True, on_delete=models.PROTECT, related_name="runs")
    created_by = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    pause_requested_at = models.DateTimeField(null=True)
    # What a held plan waits for: {"words": a phrase, "path": where people answer}. None of one that a person paused.
    waits_for = models.JSONField(null=True)
    # Who wants it stopped and taken back: when it ends, its undo starts in the same transaction.
    abort_by = models.CharField(max_length=300, blank=True, default="", db_default="")
    # Of the plans with the same one at most one is unfinished; empty for plans that may run beside others.
    exclusive = models.CharField(max_length=300, blank=True, default="", db_default="")
    error = models.TextField(blank=True, default="")
    hint = models.TextField(blank=True, default="")
    undo_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="undos")

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], condition=Q(state__in=["queued", "running"]), name="run_unfinished"),
            models.Index(fields=["subject", "created_at"], name="run_subject"),
        ]
        constraints = [
            models.CheckConstraint(
                name="run_held_iff_running",
                condition=Q(state=RunState.RUNNING, executor__isnull=False)
                | (~Q(state=RunState.RUNNING) & Q(executor__isnull=True)),
            ),
            models.CheckConstraint(
                name="run_finished_iff_final",
                condition=Q(state__in=["queued", "running", "paused"], finished_at__isnull=True)
                | Q(state__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="run_started_with_epoch",
                condition=~Q(state=RunState.RUNNING) | Q(epoch__gt=0, started_at__isnull=False),
            ),
            models.CheckConstraint(name="run_failed_says_why", condition=~Q(state=RunState.FAILED) | ~Q(error="")),
            models.UniqueConstraint(
                fields=["exclusive"],
                condition=Q(state__in=["queued", "running", "paused"]) & ~Q(exclusive=""),
                name="run_exclusive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class PlanStep(models.Model):
    """One frozen step of a plan and its receipt. Never changes its kind, parameters or place."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(PlanRun, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=100)
    title = models.CharField(max_length=500, blank=True)
    params = models.JSONField()
    direction = models.CharField(max_length=10, choices=Direction.choices, default=Direction.APPLY)
    timeout_s = models.FloatField()
    expected_s = models.FloatField(null=True)
    state = models.CharField(max_length=20, choices=StepState.choices, default=StepState.PENDING)
    # None: the default of the plans' room.
    retry_for_s = models.FloatField(null=True)
    # Times that work on it began, over all workers; `failures` are those of them that failed retryably, and
    # `failing_for_s` how long workers have tried again, by clocks that nobody can set.
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    failing_for_s = models.FloatField(default=0, db_default=0)
    epoch = models.PositiveIntegerField(default=0)
    receipt = models.JSONField(null=True)
    # Of a step of an undo, whose original never ended: what that had touched, before any of it was taken back.
    found = models.JSONField(null=True)
    error = models.TextField(blank=True, default="")
    # Filled when a person decided that it is not done; empty for what a cancelled plan did not come to.
    skip_reason = models.TextField(blank=True, default="", db_default="")
    skipped_by = models.CharField(max_length=300, blank=True, default="", db_default="")
    progress_fraction = models.FloatField(null=True)
    progress_text = models.CharField(max_length=500, blank=True, default="")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="step_one_place"),
            models.UniqueConstraint(fields=["run", "key"], name="step_one_key"),
            models.CheckConstraint(
                name="step_done_iff_receipt",
                condition=Q(state=StepState.DONE, receipt__isnull=False, finished_at__isnull=False)
                | (~Q(state=StepState.DONE) & Q(receipt__isnull=True)),
            ),
            models.CheckConstraint(name="step_failures_le_attempts", condition=Q(failures__lte=F("attempts"))),
            models.CheckConstraint(name="step_timeout_positive", condition=Q(timeout_s__gt=0)),
            models.CheckConstraint(
                name="step_reason_iff_skipped", condition=Q(skip_reason="") | Q(state=StepState.SKIPPED)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.kind})"
