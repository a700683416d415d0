"""Exercises that walk through the resume-everything procedure."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bonanca.kernel.ids import new_id
from bonanca.recovery.state import ExerciseState, ExerciseStepState


class Exercise(models.Model):
    """One walk through the procedure as it was when it began (`procedure`, Markdown)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    state = models.CharField(max_length=20, choices=ExerciseState.choices, default=ExerciseState.RUNNING)
    started_by = models.CharField(max_length=300)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    finished_by = models.CharField(max_length=300, blank=True, default="")
    digest = models.CharField(max_length=64)
    procedure = models.TextField()
    note = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state=ExerciseState.RUNNING), name="one_running_exercise"
            )
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d} ({self.state})"


class ExerciseStep(models.Model):
    """One step: ticked by a person, or restored into a scratch server by a drill's plan (`run_id`)."""

    exercise = models.ForeignKey(Exercise, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField()
    service = models.SlugField(max_length=100, blank=True, default="")
    # An English message id and its facts: everybody reads the step in their language.
    title = models.JSONField()
    automatic = models.BooleanField(default=False)
    expected_s = models.FloatField(null=True)
    state = models.CharField(max_length=20, choices=ExerciseStepState.choices, default=ExerciseStepState.PENDING)
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=300, blank=True, default="")
    note = models.TextField(blank=True, default="")
    run_id = models.UUIDField(null=True)
    drill_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["exercise", "number"], name="one_exercise_step_per_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.state}"
