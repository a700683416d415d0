"""Failed work that is run again: what was listed, what was chosen, what became of each."""

from __future__ import annotations

from django.db import models

from bonanca.aftercare.state import ItemState, ReexecutionState
from bonanca.kernel.ids import new_id


class Reexecution(models.Model):
    """One list of what failed in [since, until) of a service, and its plan (requirement Y7)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.CharField(max_length=100)
    team = models.CharField(max_length=100)
    incident_id = models.UUIDField(null=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=ReexecutionState, default=ReexecutionState.LISTED)
    # [{"source", "error"}]: sources that could not be read, or not to their end.
    problems = models.JSONField(default=list)
    listed_by = models.CharField(max_length=200)
    listed_at = models.DateTimeField()
    rate_per_s = models.FloatField()
    stop_percent = models.FloatField()
    started_by = models.CharField(max_length=200, blank=True, default="")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    run_id = models.UUIDField(null=True, unique=True)
    error = models.TextField(blank=True, default="")
    # Failures are weighed from here on: a person who goes on after a stop has seen those before.
    weighed_from = models.DateTimeField(null=True)
    # When the contents were removed by policy; keys and outcomes stay.
    forgotten_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("since")), name="aftercare_reexecution_period"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["listed", "withdrawn"]) | models.Q(run_id__isnull=False),
                name="aftercare_reexecution_has_run",
            ),
        ]
        indexes = [
            models.Index(fields=["service", "-listed_at"], name="aftercare_reexec_service"),
            models.Index(fields=["incident_id"], name="aftercare_reexec_incident"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.since:%Y-%m-%d %H:%M}"


class ReexecutionItem(models.Model):
    """One failed job, message or request. `key` names it at its source for ever."""

    id = models.BigAutoField(primary_key=True)
    reexecution = models.ForeignKey(Reexecution, on_delete=models.CASCADE, related_name="items")
    service = models.CharField(max_length=100)
    source = models.CharField(max_length=63)
    key = models.CharField(max_length=200)
    position = models.PositiveIntegerField()
    failed_at = models.DateTimeField(null=True)
    label = models.CharField(max_length=300, blank=True, default="")
    # What is sent: {"payload": text, "method", "path"}; empty once it was forgotten.
    content = models.JSONField(default=dict)
    # The same for every attempt, also of later lists: it is never done twice in effect.
    idempotency_key = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=ItemState, default=ItemState.CHOSEN)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reexecution", "source", "key"], name="aftercare_item_once"),
        ]
        indexes = [
            models.Index(fields=["reexecution", "state", "position"], name="aftercare_item_state"),
            models.Index(fields=["service", "source", "key"], name="aftercare_item_key"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.key} ({self.state})"
