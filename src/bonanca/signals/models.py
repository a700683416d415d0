"""What this room keeps: small SLO counters, the health of their sources, and alerts."""

from __future__ import annotations

from django.db import models

from bonanca.kernel.ids import new_id
from bonanca.signals.state import AlertState, Door, Severity


class SliSource(models.Model):
    """A gateway whose counters are read: when that last worked, and since when it does not."""

    gateway = models.CharField(max_length=100, unique=True)
    first_scraped_at = models.DateTimeField(null=True)
    scraped_at = models.DateTimeField(null=True)
    # Epoch seconds of the counting process' start, where it is exposed: tells a restart from a decrease.
    process_started_at = models.FloatField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.gateway


class SliCounter(models.Model):
    """The last raw counter values of one service at one gateway, so that a restart loses and doubles nothing."""

    gateway = models.CharField(max_length=100)
    service = models.CharField(max_length=100)
    # {series name: [outcome, cumulative value]}
    series = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "service"], name="signals_counter_once")]

    def __str__(self) -> str:
        return f"{self.gateway}/{self.service}"


class SliSample(models.Model):
    """Requests of one bucket [at, at + width_s): a second at first, a minute once it is old. Empty ones have no row."""

    gateway = models.CharField(max_length=100)
    service = models.CharField(max_length=100)
    at = models.DateTimeField()
    width_s = models.PositiveSmallIntegerField(default=1)
    good = models.BigIntegerField(default=0)
    # Failed at the service (5xx), and answered 503 by a containment: both failed for their user.
    failed = models.BigIntegerField(default=0)
    contained = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "service", "at", "width_s"], name="signals_sample_once"),
            models.CheckConstraint(
                condition=models.Q(good__gte=0, failed__gte=0, contained__gte=0), name="signals_sample_counts"
            ),
        ]
        indexes = [models.Index(fields=["at"], name="signals_sample_at")]

    def __str__(self) -> str:
        return f"{self.gateway}/{self.service} at {self.at.isoformat()}"


class ScrapeGap(models.Model):
    """A time in which a gateway's counters could not be read. Kept, so that a chart can show that nobody looked."""

    gateway = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gateway"], condition=models.Q(ended_at__isnull=True), name="signals_one_open_gap"
            )
        ]
        indexes = [models.Index(fields=["gateway", "started_at"], name="signals_gap_time")]

    def __str__(self) -> str:
        return f"{self.gateway} since {self.started_at.isoformat()}"


class Alert(models.Model):
    """One condition that burned, from its measured start to its end. A return of it is a new row."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    fingerprint = models.CharField(max_length=16)
    door = models.CharField(max_length=16, choices=Door)
    # Catalog slug as the sender says it; empty when it names none. May be unknown to the catalog.
    service = models.TextField(blank=True, default="")
    slo = models.CharField(max_length=100, blank=True, default="")
    severity = models.CharField(max_length=8, choices=Severity)
    state = models.CharField(max_length=8, choices=AlertState, default=AlertState.FIRING)
    summary = models.CharField(max_length=300)
    # The summary as message id and facts (bonanca.ui.phrases), when no sender wrote it.
    summary_phrase = models.JSONField(null=True)
    # First bad bucket of the burn (measured), or what the sender says.
    starts_at = models.DateTimeField()
    detected_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    # Resolves by itself at this time unless seen again; null for our own objectives.
    expires_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    labels = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    generator_url = models.TextField(blank=True, default="")
    # The figures at detection, the worst ones, and why it ended.
    evidence = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"], condition=models.Q(state="firing"), name="signals_one_firing_alert"
            ),
            models.CheckConstraint(
                condition=models.Q(state="firing", ends_at__isnull=True)
                | models.Q(state="resolved", ends_at__isnull=False),
                name="signals_alert_end",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "expires_at"], name="signals_alert_expiry"),
            models.Index(fields=["-detected_at"], name="signals_alert_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.summary} ({self.state})"
