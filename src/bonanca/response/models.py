"""Containments, and the plans that people preview and approve."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from bonanca.kernel.ids import new_id
from bonanca.response.criteria.rules import Opinion, Rule
from bonanca.response.state import ContainmentAction, ContainmentState, Door, PlanKind, PlanState
from bonanca.running.state import ReplicaState


class Containment(models.Model):
    """One typed, expiring, undoable measure at the gateway."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    incident_id = models.UUIDField(db_index=True)
    service = models.CharField(max_length=100)
    team = models.CharField(max_length=100)
    gateway = models.CharField(max_length=100)
    action = models.CharField(max_length=16, choices=ContainmentAction)
    # The path prefix that is taken out; empty for the whole service.
    match = models.CharField(max_length=200, blank=True, default="")
    # What the measure needs beside its place, as shown: weights, or a breaker's threshold.
    detail = models.CharField(max_length=300, blank=True, default="", db_default="")
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=ContainmentState, default=ContainmentState.ACTIVE)
    applied_by = models.CharField(max_length=200)
    applied_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "service", "action", "match"],
                condition=Q(state=ContainmentState.ACTIVE),
                name="response_one_active_containment_of_a_kind",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("applied_at")), name="response_containment_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.match or self.service}"


class ProposedPlan(models.Model):
    """A plan as it was previewed: what a person approves is what is carried out, to the byte."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=12, choices=PlanKind)
    service = models.CharField(max_length=100)
    team = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    # The title as message id and facts (bonanca.ui.phrases), when no person wrote it.
    title_phrase = models.JSONField(null=True)
    incident_id = models.UUIDField(null=True, db_index=True)
    change_id = models.UUIDField(null=True, db_index=True)
    pin_id = models.UUIDField(null=True)
    # The plan that this one takes back.
    undoes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="undone_by")
    # A durable PlanSpec as JSON; empty for an undo, which durable derives from what was done.
    spec = models.JSONField(default=dict)
    # What the preview showed: targets, rows at risk, checks.
    preview = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=PlanState, default=PlanState.PROPOSED)
    proposed_by = models.CharField(max_length=200)
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    approved_by = models.CharField(max_length=200, blank=True, default="")
    approved_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    run_id = models.UUIDField(null=True, unique=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service"], condition=Q(state=PlanState.RUNNING), name="response_one_running_plan_per_service"
            ),
            models.CheckConstraint(
                condition=~Q(state=PlanState.RUNNING) | Q(run_id__isnull=False), name="response_running_has_run"
            ),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


class SupervisedReplica(models.Model):
    """A replica as the worker of its host saw it last; written when that changes."""

    service = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    port = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=ReplicaState)
    # Since when it is in this state.
    since = models.DateTimeField()
    release = models.CharField(max_length=200, blank=True, default="")
    restarts = models.PositiveIntegerField(default=0)
    restarted_at = models.DateTimeField(null=True)
    # What last went wrong with it.
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "name"], name="response_replica_once")]
        ordering = ["service", "port"]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class CriterionAnswer(models.Model):
    """What a person says about a rule of a proposed rollback; saying it again replaces it, and the audit keeps both."""

    plan = models.ForeignKey(ProposedPlan, on_delete=models.CASCADE, related_name="answers")
    rule = models.CharField(max_length=20, choices=Rule)
    opinion = models.CharField(max_length=10, choices=Opinion)
    words = models.CharField(max_length=500)
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "rule"], name="response_one_answer_per_rule")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.opinion}"


class PlanApproval(models.Model):
    """One person's yes to a proposed plan, and through which door it came."""

    plan = models.ForeignKey(ProposedPlan, on_delete=models.CASCADE, related_name="approvals")
    by = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    via = models.CharField(max_length=10, choices=Door)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "by"], name="response_one_approval_per_person")]
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.by} ({self.via})"


class ApprovalLink(models.Model):
    """A signed link with which one person can approve one plan, once. What is signed is only its id."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    plan = models.ForeignKey(ProposedPlan, on_delete=models.CASCADE, related_name="links")
    email = models.CharField(max_length=254)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "email"], name="response_one_link_per_person")]

    def __str__(self) -> str:
        return f"link of {self.email}"
