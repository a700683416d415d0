"""What the steps of this room share."""

from __future__ import annotations

from bonanca.durable.context import Receipt, StepContext


class NothingToTakeBack:
    """A step that only looks leaves nothing behind."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {}
