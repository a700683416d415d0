"""People who were erased and must stay so, and what was looked at before data came back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from bonanca.kernel.ids import new_id
from bonanca.recovery.state import PointState, ReviewState


class Erasure(models.Model):
    """One person of one service. The reference is sealed (`recovery.subjects`); `mark` finds it again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service = models.SlugField(max_length=100)
    mark = models.CharField(max_length=64)
    sealed = models.TextField()
    reason = models.CharField(max_length=500)
    # Empty when a person recorded it; else the service's own list, as declared in `privacy.erasures.query`.
    from_query = models.BooleanField(default=False)
    erased_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "mark"], name="one_erasure_per_person")]
        indexes = [models.Index(fields=["service", "recorded_at"], name="erasure_recorded")]

    def __str__(self) -> str:
        return f"{self.service} {self.mark[:12]}"


class Review(models.Model):
    """What a plan (`run_id`) shows before the data of a service goes back; `key` is its step's."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=300, unique=True)
    run_id = models.UUIDField()
    service = models.SlugField(max_length=100)
    state = models.CharField(max_length=20, choices=ReviewState.choices, default=ReviewState.WAITING)
    four_eyes = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["service", "-created_at"], name="review_service")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=ReviewState.WAITING, decided_at__isnull=True)
                | (~Q(state=ReviewState.WAITING) & Q(decided_at__isnull=False)),
                name="review_decided_iff_not_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.created_at:%Y-%m-%d %H:%M} ({self.state})"


class ReviewPoint(models.Model):
    """One thing that comes back, or could not be looked at. `found` has numbers and the first keys, no content."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="points")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)
    # What the team calls it; empty for the points that Bonança knows by itself.
    name = models.CharField(max_length=100, blank=True, default="")
    text = models.JSONField()
    remedy = models.JSONField()
    found = models.JSONField(default=dict)
    needs_note = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=PointState.choices, default=PointState.OPEN)
    note = models.TextField(blank=True, default="")
    ticked_by = models.CharField(max_length=300, blank=True, default="")
    ticked_at = models.DateTimeField(null=True)
    second_by = models.CharField(max_length=300, blank=True, default="")
    second_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["review", "number"], name="one_review_point_per_number"),
            models.CheckConstraint(
                condition=Q(second_by="") | ~Q(second_by=F("ticked_by")), name="four_eyes_are_two_people"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind} ({self.state})"
