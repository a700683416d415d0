"""Reinforced watches, minute by minute."""

from __future__ import annotations

from django.db import models

from bonanca.aftercare.state import Origin, WatchState
from bonanca.kernel.ids import new_id


class Watch(models.Model):
    """A service that is looked at closer than usual for a while (requirement T9)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.CharField(max_length=100)
    team = models.CharField(max_length=100)
    origin = models.CharField(max_length=10, choices=Origin)
    incident_id = models.UUIDField(null=True)
    plan_id = models.UUIDField(null=True)
    severity = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=WatchState, default=WatchState.WATCHING)
    tighten = models.FloatField()
    shorten = models.FloatField()
    failures = models.PositiveSmallIntegerField()
    traffic_percent = models.FloatField()
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=200)
    until = models.DateTimeField()
    # What happened before this moment is not held against the service: it was the incident, or a plan at work.
    counts_from = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)
    # Until when counters have been judged: while they cannot be read it stays behind.
    judged_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    # Name of each check that fails, with how many looks in a row it has.
    failing = models.JSONField(default=dict)
    sampled_until = models.DateTimeField()
    requests = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    checks = models.PositiveIntegerField(default=0)
    # Seconds in which nobody could look: no worker ran, or the counters could not be read.
    unseen_s = models.FloatField(default=0)
    # The nearest that any rule came to firing: 1 is at the threshold.
    worst_share = models.FloatField(default=0)
    findings = models.JSONField(default=list)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True, default="")
    end_reason = models.CharField(max_length=500, blank=True, default="")
    alert_id = models.UUIDField(null=True)
    # While the alert of a watch that found something burns, it is looked at until nothing is found for a while.
    alert_open = models.BooleanField(default=False)
    found_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service"], condition=models.Q(state="watching"), name="aftercare_one_watch_a_service"
            ),
            models.CheckConstraint(
                condition=models.Q(state="watching", ended_at__isnull=True)
                | (~models.Q(state="watching") & models.Q(ended_at__isnull=False)),
                name="aftercare_watch_end",
            ),
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("started_at")), name="aftercare_watch_has_length"
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at"], name="aftercare_watch_recent"),
            models.Index(fields=["incident_id"], name="aftercare_watch_incident"),
        ]

    def __str__(self) -> str:
        return f"{self.service} ({self.state})"


class WatchSample(models.Model):
    """One minute of a watch: what visitors met, what the checks said, how near a threshold was."""

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="samples")
    at = models.DateTimeField()
    requests = models.BigIntegerField()
    failed = models.BigIntegerField()
    # The share of the nearest threshold, 1 is at it; null while nobody could see.
    share = models.FloatField(null=True)
    checks = models.PositiveSmallIntegerField(default=0)
    # [{"name", "where", "found"}] of what failed.
    failing = models.JSONField(default=list)
    # A plan was at work on the service: nothing is held against it.
    held = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["watch", "at"], name="aftercare_sample_once")]
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.failed}/{self.requests}"
