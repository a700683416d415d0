"""`response.announce`: tell the people concerned what a plan does to a service (requirement T5)."""

from __future__ import annotations

from uuid import UUID

from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.registry import step
from bonanca.response.operations.tell_people import Moment, tell_people
from bonanca.response.steps.support import NothingToTakeBack


@step("response.announce")
class Announce(NothingToTakeBack):
    """Params: `service`, `to` (words and addresses), `moment`. Each is told once, whatever happens to workers."""

    def apply(self, ctx: StepContext) -> Receipt:
        told = tell_people(
            UUID(ctx.context["plan_id"]),
            Moment(ctx.params["moment"]),
            to=tuple(ctx.params["to"]),
            facts=_rows(ctx),
            now=ctx.now(),
        )
        return {"told": list(told)}


def _rows(ctx: StepContext) -> dict[str, int]:
    """What became of the rows that were set aside, as earlier steps of the plan counted them."""
    counts: dict[str, int] = {}
    for receipt in ctx.receipts.values():
        counts |= receipt.get("counts") or {}
    again = counts.get("applied", 0) + counts.get("duplicate", 0)
    return {"again": again, "waiting": sum(counts.get(name, 0) for name in ("conflict", "decision", "pending"))}
