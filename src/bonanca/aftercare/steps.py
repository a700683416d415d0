"""`aftercare.reexecute`: do a batch of failed jobs, messages or requests again (Y7)."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import msgspec
from django.utils.translation import gettext as _

from bonanca.aftercare.again import Answer, Work, do_again, replay
from bonanca.aftercare.looking import plan_at_work
from bonanca.aftercare.operations.record_item import (
    ContentsForgotten,
    begin_items,
    failing_share,
    go_on,
    settle_item,
    weigh_anew,
    work_left,
)
from bonanca.aftercare.operations.start_reexecution import ATTEMPTS
from bonanca.aftercare.state import ItemState
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView, SourceSpec
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.kernel.errors import BonancaError

PAUSE_S = 0.5
LOOK_EVERY_S = 0.25
OTHERS_EVERY_S = 1.0


@step("aftercare.reexecute")
class Reexecute:
    """Params: `reexecution_id`, `service`, `source` (frozen), positions `first`, `last`; `rate_per_s`, `stop_percent`.

    Each item is recorded as being sent before it is, and what was being sent when a worker was lost is asked again
    under the same key. An item that fails does not fail the step; too many do.
    """

    # What was done was what should have been done in the first place.
    undoable = False

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        reexecution_id, source = UUID(ctx.params["reexecution_id"]), msgspec.convert(ctx.params["source"], SourceSpec)
        try:
            service = get_service(ctx.params["service"])
        except BonancaError as gone:
            raise StepFailed(gone.message, hint=gone.hint) from gone
        watch = _Watch(ctx, service.slug)
        watch.look()
        with fenced(f"reexecute:{reexecution_id}", ctx.token):
            try:
                go_on(reexecution_id)
            except ContentsForgotten as gone:
                raise StepFailed(gone.message, hint=gone.hint) from gone
            work = work_left(reexecution_id, source.name, ctx.params["first"], ctx.params["last"])
            if source.again.replay:
                _replayed(ctx, service, source, work, watch)
            else:
                _one_by_one(ctx, service, source, reexecution_id, work, watch)
        return {"items": len(work)}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return receipt


def _one_by_one(
    ctx: StepContext,
    service: ServiceView,
    source: SourceSpec,
    reexecution_id: UUID,
    work: list[tuple[int, Work]],
    watch: _Watch,
) -> None:
    pace = _Pace(float(ctx.params["rate_per_s"]), watch)
    for done, (item, one) in enumerate(work):
        pace.wait()
        ctx.progress(done / len(work), _("%(done)d of %(count)d") % {"done": done, "count": len(work)})
        answer = _asked(ctx, service, source, item, one, watch)
        point("aftercare.reexecute.sent")
        settle_item(item, answer, now=ctx.now())
        if answer.state is ItemState.FAILED:
            _weigh(ctx, reexecution_id)


def _asked(ctx: StepContext, service: ServiceView, source: SourceSpec, item: int, one: Work, watch: _Watch) -> Answer:
    """Ask up to three times, under the same key, while the failure may pass by itself."""
    for attempt in range(1, ATTEMPTS + 1):
        begin_items([item], now=ctx.now())
        point("aftercare.reexecute.recorded")
        answer = do_again(service, source, one, watch=watch, token=ctx.token)
        if not answer.passing:
            break
        # A service that was just closed by a plan refuses everything: that says nothing of this one.
        watch.look()
        if attempt < ATTEMPTS:
            _sleep(PAUSE_S * 2**attempt, watch)
    return answer


def _replayed(
    ctx: StepContext, service: ServiceView, source: SourceSpec, work: list[tuple[int, Work]], watch: _Watch
) -> None:
    if not work:
        return
    begin_items([item for item, _one in work], now=ctx.now())
    answers, problem = replay(service, source, [one for _item, one in work], watch=watch, token=ctx.token)
    point("aftercare.reexecute.sent")
    silent = 0
    for item, one in work:
        answer = answers.get(one.key)
        if answer is None:
            silent += 1
        else:
            settle_item(item, answer, now=ctx.now())
    if silent:
        raise StepFailed(
            _("The service's replay ended without an answer about %(count)d of them. %(problem)s")
            % {"count": silent, "problem": problem},
            hint=_("Correct the replay command, then retry the plan: only these are given to it, under the same keys."),
        )


def _weigh(ctx: StepContext, reexecution_id: UUID) -> None:
    share, most = failing_share(reexecution_id), float(ctx.params["stop_percent"])
    if share is not None and share > most:
        weigh_anew(reexecution_id, now=ctx.now())
        raise StepFailed(
            _("%(share)d %% of the last ones failed, more than the %(most)g %% that are tolerated.")
            % {"share": round(share), "most": most},
            hint=_("Look at the reasons. Retrying the plan goes on with what is left; those that failed stay failed."),
        )


class _Watch:
    """Whether the plan is still ours to carry out, and no other has begun to stop, change or take back the service."""

    def __init__(self, ctx: StepContext, service: str) -> None:
        self._still_mine, self._service = ctx.still_mine, service
        self._looked = time.monotonic()

    def __call__(self) -> None:
        self._still_mine()
        if time.monotonic() - self._looked >= OTHERS_EVERY_S:
            self.look()

    def look(self) -> None:
        """Give way to another plan; what was being sent is asked again after it, under the same key."""
        self._looked = time.monotonic()
        if plan_at_work(self._service):
            raise StepFailed(_("A plan is at work on the service; this one waits for it."), retryable=True)


class _Pace:
    """At most so many a second, and never a burst to catch up."""

    def __init__(self, rate_per_s: float, watch: Callable[[], None]) -> None:
        self._every_s = 1.0 / rate_per_s
        self._next = time.monotonic()
        self._looked = 0.0
        self._watch = watch

    def wait(self) -> None:
        _sleep(self._next - time.monotonic(), self._watch)
        self._next = max(self._next + self._every_s, time.monotonic())
        if time.monotonic() - self._looked >= LOOK_EVERY_S:
            self._looked = time.monotonic()
            self._watch()


def _sleep(seconds: float, watch: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, LOOK_EVERY_S))
        watch()
