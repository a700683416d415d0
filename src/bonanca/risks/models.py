"""Contingencies as they were used and exercised: what was done when, by whom, and what was seen."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bonanca.kernel.ids import new_id
from bonanca.risks.state import Phase, StepState, UseState


class ContingencyUse(models.Model):
    """One time that a contingency was begun, in earnest or as an exercise, with its steps as they were then."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.SlugField(max_length=100)
    contingency = models.SlugField(max_length=100)
    name = models.CharField(max_length=100)
    exercise = models.BooleanField()
    incident_id = models.UUIDField(null=True)
    state = models.CharField(max_length=20, choices=UseState.choices, default=UseState.RUNNING)
    reason = models.TextField(blank=True, default="")
    started_by = models.CharField(max_length=300)
    started_at = models.DateTimeField()
    ended_by = models.CharField(max_length=300, blank=True, default="")
    ended_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["service", "contingency", "-started_at"], name="contingency_use")]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "contingency"], condition=Q(state=UseState.RUNNING), name="one_use_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state=UseState.RUNNING, ended_at__isnull=True)
                | (~Q(state=UseState.RUNNING) & Q(ended_at__isnull=False)),
                name="contingency_ended_iff_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.contingency} ({self.state})"


class ContingencyStep(models.Model):
    """One step of one use."""

    use = models.ForeignKey(ContingencyUse, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField()
    phase = models.CharField(max_length=10, choices=Phase.choices)
    text = models.CharField(max_length=500)
    state = models.CharField(max_length=20, choices=StepState.choices, default=StepState.OPEN)
    ended_by = models.CharField(max_length=300, blank=True, default="")
    ended_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["use", "number"], name="one_contingency_step_per_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.state}"
