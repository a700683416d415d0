"""States of contingencies that are in use or exercised, and which changes are possible."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class ContingencyKind(models.TextChoices):
    MANUAL = "manual", _("by hand")
    CHANNEL = "channel", _("another channel")
    SITE = "site", _("redundant site")
    DEGRADED = "degraded", _("with less than usual")


class UseState(models.TextChoices):
    """`done`: every step was done or left out with a reason; `failed`: one did not work; `abandoned`: ended early."""

    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    ABANDONED = "abandoned", _("ended early")


class Phase(models.TextChoices):
    BEGIN = "begin", _("how to begin")
    END = "end", _("how to come back")


class StepState(models.TextChoices):
    OPEN = "open", _("to do")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    SKIPPED = "skipped", _("skipped")


class Mark(models.TextChoices):
    """What a contingency's exercises say at this moment."""

    NEVER = "never", _("never exercised")
    FAILED = "failed", _("exercise failed")
    OVERDUE = "overdue", _("exercise overdue")
    OK = "ok", _("exercised")


USE_TRANSITIONS: Final[dict[UseState, frozenset[UseState]]] = {
    UseState.RUNNING: frozenset({UseState.DONE, UseState.FAILED, UseState.ABANDONED}),
    UseState.DONE: frozenset(),
    UseState.FAILED: frozenset(),
    UseState.ABANDONED: frozenset(),
}

STEP_TRANSITIONS: Final[dict[StepState, frozenset[StepState]]] = {
    StepState.OPEN: frozenset({StepState.DONE, StepState.FAILED, StepState.SKIPPED}),
    # What failed may be done again: both are in the audit chain.
    StepState.FAILED: frozenset({StepState.DONE, StepState.SKIPPED}),
    StepState.DONE: frozenset(),
    StepState.SKIPPED: frozenset(),
}
