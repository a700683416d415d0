"""The lives of containments and of plans that people decide about."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ContainmentAction(TextChoices):
    """What the gateway does to stop the damage from spreading (requirements Y6, Y7)."""

    DISABLE = "disable", _("disable an endpoint")
    MAINTENANCE = "maintenance", _("maintenance page")
    REDIRECT = "redirect", _("redirect to the redundant site")
    WEIGHTS = "weights", _("share requests out by weight")
    BREAKER = "breaker", _("circuit breaker")


class ContainmentState(TextChoices):
    ACTIVE = "active", _("active")
    LIFTED = "lifted", _("lifted")
    EXPIRED = "expired", _("expired")


CONTAINMENT_TRANSITIONS: dict[str, frozenset[str]] = {
    ContainmentState.ACTIVE: frozenset({ContainmentState.LIFTED, ContainmentState.EXPIRED}),
    ContainmentState.LIFTED: frozenset(),
    ContainmentState.EXPIRED: frozenset(),
}


class PlanKind(TextChoices):
    DEPLOYMENT = "deployment", _("deployment")
    ROLLBACK = "rollback", _("rollback")
    UNDO = "undo", _("undo of a rollback")
    RESTART = "restart", _("restart")
    STOP = "stop", _("stop")
    TRAFFIC = "traffic", _("shift of traffic")


class PlanState(TextChoices):
    PROPOSED = "proposed", _("waiting for approval")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    WITHDRAWN = "withdrawn", _("withdrawn")


PLAN_TRANSITIONS: dict[str, frozenset[str]] = {
    PlanState.PROPOSED: frozenset({PlanState.RUNNING, PlanState.WITHDRAWN}),
    PlanState.RUNNING: frozenset({PlanState.SUCCEEDED, PlanState.FAILED}),
    # A failed plan can be tried again from the failed step.
    PlanState.FAILED: frozenset({PlanState.RUNNING, PlanState.SUCCEEDED}),
    PlanState.SUCCEEDED: frozenset(),
    PlanState.WITHDRAWN: frozenset(),
}


class Door(TextChoices):
    """Where an approval came in."""

    PAGE = "page", _("its page")
    API = "api", _("the API")
    COMMAND = "command", _("a command")
    LINK = "link", _("a link in a message")
    POLICY = "policy", _("the policy")
