"""What the rest of the house may hear about plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class PlanFinished(Event):
    """A plan reached ``succeeded``, ``failed`` or ``cancelled``. After a retry of a failed plan it comes again."""

    NAME: ClassVar[str] = "durable.plan.finished.v1"
    run_id: UUID
    kind: str
    subject: str
    state: str
    context: dict[str, Any]


@dataclass(frozen=True)
class PlanStepDone(Event):
    """A step is in effect and its receipt is recorded. Once per step and plan."""

    NAME: ClassVar[str] = "durable.plan.step_done.v1"
    run_id: UUID
    kind: str
    subject: str
    step_key: str
    step_kind: str
    context: dict[str, Any]


@dataclass(frozen=True)
class PlanSteered(Event):
    """A person intervened in a plan: ``verb`` is ``pause``, ``resume``, ``skip`` or ``abort``.

    ``step_key`` and ``reason`` belong to a step that is skipped; ``actor`` is the name that people read.
    """

    NAME: ClassVar[str] = "durable.plan.steered.v1"
    run_id: UUID
    kind: str
    subject: str
    verb: str
    actor: str
    step_key: str
    reason: str
    context: dict[str, Any]
    at: datetime
