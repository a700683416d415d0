"""Changes: what is to be shipped, whether it may, and what became of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bonanca.delivery.state import ChangeState
from bonanca.kernel.ids import new_id


class Change(models.Model):
    """One version of one service on its way to production (requirement T3)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.PositiveIntegerField(unique=True)
    service = models.CharField(max_length=100)
    team = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    version = models.CharField(max_length=100)
    # Full commit ids. `from_sha` is empty for a first deployment.
    from_sha = models.CharField(max_length=64, blank=True, default="")
    to_sha = models.CharField(max_length=64)
    state = models.CharField(max_length=12, choices=ChangeState, default=ChangeState.PROPOSED)
    # The gates as they stood when they were last evaluated: [{"name", "passed", "text", "facts"}]
    gates = models.JSONField(default=list)
    gates_at = models.DateTimeField(null=True)
    gates_overridden = models.CharField(max_length=500, blank=True, default="")
    proposed_by = models.CharField(max_length=200)
    proposed_at = models.DateTimeField()
    deploying_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    run_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service"], condition=Q(state=ChangeState.DEPLOYING), name="delivery_one_deployment_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["service", "-proposed_at"], name="delivery_of_service")]

    def __str__(self) -> str:
        return f"CHG-{self.number} {self.service} {self.version}"
