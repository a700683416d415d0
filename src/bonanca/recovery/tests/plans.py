"""Steps called as the interpreter calls them, without an engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from bonanca.durable.context import FenceToken, Receipt, StepContext
from bonanca.durable.registry import handler
from bonanca.recovery.tests.shop import NOW


class Plan:
    """One run of steps, by kind. `take_over` is what happens when a worker dies and another one goes on."""

    def __init__(self, service: str, **params: Any) -> None:
        self.run_id, self.epoch = uuid4(), 1
        self.params = {"service": service, **params}
        self.receipts: dict[str, Receipt] = {}

    def context(self, kind: str, *, run_id: UUID | None = None, **params: Any) -> StepContext:
        return StepContext(
            run_id=run_id or self.run_id,
            step_key=kind,
            token=FenceToken(run_id or self.run_id, self.epoch),
            params={**self.params, **params},
            context={},
            receipts=dict(self.receipts),
            timeout_s=60,
            now=lambda: NOW,
            progress=lambda share, text: None,
            still_mine=lambda: None,
            remaining_s=lambda: 60.0,
        )

    def do(self, kind: str, **params: Any) -> Receipt:
        """Check, apply if needed, and see that a check afterwards finds the same receipt."""
        context = self.context(kind, **params)
        receipt = handler(kind).check(context) or handler(kind).apply(context)
        again = handler(kind).check(context)
        assert again in (None, receipt)
        self.receipts[kind] = receipt
        return receipt

    def take_over(self) -> None:
        self.epoch += 1

    def undo(self, kind: str) -> Receipt:
        """Undo a step in a run of its own, twice, as a retried undo would."""
        context = self.context(kind, run_id=uuid4())
        first = handler(kind).undo(context, self.receipts[kind])
        second = handler(kind).undo(context, self.receipts[kind])
        assert first.keys() == second.keys()
        return first

    def undo_begun(self, kind: str) -> Receipt | None:
        """Undo a step that was begun and never ended, as the interpreter does: the world says what came into effect."""
        undo = FenceToken(uuid4(), 1)
        found = handler(kind).check(replace(self.context(kind), token=undo))
        return handler(kind).undo(self.context(kind, run_id=undo.run_id), found) if found is not None else None


def parsed(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
