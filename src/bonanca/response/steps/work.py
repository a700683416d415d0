"""`response.work`: hold a service's background work, or let it go on, by its own commands (requirement T6)."""

from __future__ import annotations

from typing import Any

from bonanca.catalog.queries import get_service
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.response.service_commands import run_for


@step("response.work")
class Work:
    """Params: `service`, `command`, and `back`, the command that takes it back and is the undo.

    Both have to bear being run again: a worker that dies in one runs it a second time.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        return _run(ctx, "command")

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return _run(ctx, "back")


def _run(ctx: StepContext, which: str) -> dict[str, Any]:
    service, words = get_service(ctx.params["service"]), tuple(ctx.params[which])
    with fenced(f"work:{service.slug}", ctx.token):
        ended = run_for(service, words, timeout_s=max(1.0, ctx.remaining_s()), watch=ctx.still_mine, token=ctx.token)
    if not ended.ok:
        raise StepFailed(ended.words)
    return {"command": list(words), "output": ended.tail}
