"""The durable run behind a plan has ended."""

from __future__ import annotations

from datetime import datetime

from bonanca.aftercare.operations.finish_reexecution import finish_reexecution
from bonanca.durable.events import PlanFinished as RunFinished
from bonanca.outbox.registry import reaction
from bonanca.response.operations.finish_plan import finish_plan


@reaction(RunFinished, "finish_plan")
def finish_proposed_plan(event: RunFinished, now: datetime) -> None:
    """The proposed plan, and its change, learn the outcome."""
    finish_plan(event.run_id, now=now)


@reaction(RunFinished, "finish_reexecution")
def finish_what_is_run_again(event: RunFinished, now: datetime) -> None:
    """Failed work that was run again has its report."""
    finish_reexecution(event.run_id, now=now)
