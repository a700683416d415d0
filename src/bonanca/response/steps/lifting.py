"""Let requests through again that were kept out because they failed."""

from __future__ import annotations

from uuid import UUID

from bonanca.access.actors import SYSTEM
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.registry import step
from bonanca.response.operations.undo_containment import ContainmentEnded, undo_containment
from bonanca.response.queries import containments_of
from bonanca.response.steps.support import NothingToTakeBack


@step("response.lift_containments")
class LiftContainments(NothingToTakeBack):
    """What was taken out because it failed comes back once it works; its undo leaves it to people to contain again."""

    def apply(self, ctx: StepContext) -> Receipt:
        lifted = []
        for containment in containments_of(UUID(ctx.params["incident_id"])):
            ctx.still_mine()
            if containment.is_active:
                try:
                    undo_containment(containment.id, actor=SYSTEM("rollback"), now=ctx.now())
                except ContainmentEnded:
                    continue  # it has expired, or somebody was faster
                lifted.append(str(containment.id))
        return {"lifted": lifted}
