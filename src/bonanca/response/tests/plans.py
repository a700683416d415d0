"""Plans without an engine: proposed, approved, and their runs ended as a test says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bonanca.durable.models import PlanRun, PlanStep
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.finish_plan import finish_plan
from bonanca.response.operations.propose_rollback import propose_rollback
from bonanca.response.queries import ProposedPlanView
from tests.support.loja import NOW, Shop

LATER = NOW + timedelta(minutes=5)


def proposed(shop: Shop, **facts: Any) -> ProposedPlanView:
    """A rollback that waits for approval, of a change that was deployed just now unless one is given."""
    if "change_id" not in facts:
        facts["change_id"] = shop.deployed("v2").id
    return propose_rollback(**{"actor": shop.beto, "now": LATER, **facts})


def end(run_id: UUID, state: str = "succeeded", *, at: datetime = LATER, error: str = "") -> None:
    """The engine has carried the run out, or given up at its last step."""
    error = error or ("it stopped" if state == "failed" else "")
    PlanStep.objects.filter(run_id=run_id).update(state="done", receipt={}, attempts=1, started_at=at, finished_at=at)
    if state == "failed":
        last = PlanStep.objects.filter(run_id=run_id).order_by("-position")[:1]
        PlanStep.objects.filter(pk__in=[step.pk for step in last]).update(state="failed", receipt=None)
    PlanRun.objects.filter(pk=run_id).update(state=state, finished_at=at, error=error)


def carried_out(shop: Shop, plan: ProposedPlanView, state: str = "succeeded", **facts: Any) -> ProposedPlanView:
    """Approve a plan, end its run and record that."""
    running = approve_plan(plan.id, actor=shop.ana, now=LATER)
    assert running.run_id is not None
    end(running.run_id, state, **facts)
    finished = finish_plan(running.run_id, now=LATER)
    assert finished is not None
    return finished
