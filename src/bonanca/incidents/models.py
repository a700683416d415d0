"""Incidents, their timeline and their suspects."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from bonanca.incidents.state import OPEN, EntryKind, IncidentState, Severity
from bonanca.kernel.ids import new_id


class Incident(models.Model):
    """One failure of one service, from the first bad measurement to its closing."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.PositiveIntegerField(unique=True)
    title = models.CharField(max_length=200)
    # The title as message id and facts (bonanca.ui.phrases), when no person wrote it.
    title_phrase = models.JSONField(null=True)
    service = models.CharField(max_length=100)
    team = models.CharField(max_length=100)
    severity = models.CharField(max_length=12, choices=Severity)
    state = models.CharField(max_length=14, choices=IncidentState, default=IncidentState.DETECTED)
    source = models.CharField(max_length=20)
    alert_id = models.UUIDField(null=True)
    alert_fingerprint = models.CharField(max_length=128, blank=True, default="")
    commander_email = models.EmailField(blank=True, default="")
    commander_name = models.CharField(max_length=200, blank=True, default="")
    # As measured (the first failed request), not as noticed.
    started_at = models.DateTimeField()
    detected_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    contained_at = models.DateTimeField(null=True)
    mitigated_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # Two alerts' workers may open at the same time: one of them finds the other's incident.
            models.UniqueConstraint(
                fields=["service"],
                condition=Q(state__in=sorted(OPEN)) & ~Q(alert_fingerprint=""),
                name="incidents_one_open_by_alert_per_service",
            ),
            models.CheckConstraint(
                condition=Q(started_at__lte=F("detected_at")), name="incidents_start_before_detection"
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(OPEN)) | Q(resolved_at__isnull=False), name="incidents_resolved_has_time"
            ),
        ]
        indexes = [models.Index(fields=["service", "-started_at"], name="incidents_of_service")]

    def __str__(self) -> str:
        return f"INC-{self.number}"


class TimelineEntry(models.Model):
    """One thing that happened. Never edited: a correction is another entry."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="entries")
    # Makes recording idempotent for reactions that may run twice.
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=EntryKind)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    # An English message id with named placeholders taken from `facts`, unless a person wrote it.
    text = models.TextField()
    written_by_person = models.BooleanField(default=False)
    facts = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "key"], name="incidents_entry_once")]
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.text}"


class Suspect(models.Model):
    """A change that may have caused the incident, with the reasons for thinking so."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="suspects")
    rank = models.PositiveSmallIntegerField()
    change_id = models.UUIDField()
    title = models.CharField(max_length=200)
    version = models.CharField(max_length=100)
    changed_at = models.DateTimeField()
    # [{"text": message id, "facts": {...}}]
    reasons = models.JSONField(default=list)

    class Meta:
        ordering = ["rank"]
        constraints = [models.UniqueConstraint(fields=["incident", "change_id"], name="incidents_suspect_once")]

    def __str__(self) -> str:
        return f"{self.rank}. {self.title}"
