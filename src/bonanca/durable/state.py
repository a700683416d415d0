"""States of plans and steps, and which changes are possible. Every change is a conditional UPDATE on these."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class RunState(models.TextChoices):
    QUEUED = "queued", _("waiting for a worker")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class StepState(models.TextChoices):
    PENDING = "pending", _("to do")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    SKIPPED = "skipped", _("skipped")


class Direction(models.TextChoices):
    """An undo is a plan like any other; its steps call ``undo`` of the handlers."""

    APPLY = "apply", _("apply")
    UNDO = "undo", _("undo")


RUN_TRANSITIONS: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.PAUSED, RunState.CANCELLED}),
    # RUNNING -> RUNNING is a takeover; RUNNING -> QUEUED is a worker that shuts down in order.
    RunState.RUNNING: frozenset(
        {
            RunState.RUNNING,
            RunState.QUEUED,
            RunState.PAUSED,
            RunState.SUCCEEDED,
            RunState.FAILED,
            RunState.CANCELLED,
        }
    ),
    RunState.PAUSED: frozenset({RunState.QUEUED, RunState.CANCELLED}),
    RunState.FAILED: frozenset({RunState.QUEUED}),
    RunState.SUCCEEDED: frozenset(),
    RunState.CANCELLED: frozenset(),
}

STEP_TRANSITIONS: Final[dict[StepState, frozenset[StepState]]] = {
    StepState.PENDING: frozenset({StepState.RUNNING, StepState.SKIPPED}),
    # RUNNING -> PENDING is a step that was between two attempts when its plan was paused.
    StepState.RUNNING: frozenset({StepState.RUNNING, StepState.PENDING, StepState.DONE, StepState.FAILED}),
    StepState.FAILED: frozenset({StepState.PENDING, StepState.SKIPPED}),
    StepState.DONE: frozenset(),
    StepState.SKIPPED: frozenset(),
}

FINISHED: Final = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})
UNFINISHED: Final = frozenset({RunState.QUEUED, RunState.RUNNING, RunState.PAUSED})


def run_sources(target: RunState) -> list[RunState]:
    """The states from which ``target`` can be reached: the WHERE of the conditional UPDATE."""
    return [source for source, targets in RUN_TRANSITIONS.items() if target in targets]


def step_sources(target: StepState) -> list[StepState]:
    """As ``run_sources``, for steps."""
    return [source for source, targets in STEP_TRANSITIONS.items() if target in targets]
