"""A world in memory whose effects are counted, and an engine that dies where a test tells it to."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from bonanca.access.actors import SYSTEM
from bonanca.durable import crashpoints, executors, journal
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import NotUndoable, StepFailed, StepWaits
from bonanca.durable.interpreter import Outcome, interpret
from bonanca.durable.models import Executor, PlanRun
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.registry import step
from bonanca.durable.views import PlanRunView
from bonanca.kernel.ids import new_id
from bonanca.ui.phrases import Phrase

ACTOR = SYSTEM("test")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Crash(BaseException):
    """This worker is gone."""


class World:
    """What the steps did: `effects` counts each, `order` keeps the first time of each."""

    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()
        self.tries: Counter[str] = Counter()
        self.order: list[str] = []
        self.present: set[str] = set()


WORLD = World()


@step("world.do")
class Do:
    """params: fails (retryable failures before it works), refuses (fails for good), breaks (an unforeseen error)."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return {"key": ctx.key} if ctx.key in WORLD.present else None

    def apply(self, ctx: StepContext) -> Receipt:
        WORLD.tries[ctx.key] += 1
        if WORLD.tries[ctx.key] <= ctx.params.get("fails", 0):
            raise StepFailed("not yet", retryable=True)
        if ctx.params.get("refuses"):
            raise StepFailed("never", hint="Ask Ana.")
        if ctx.params.get("breaks"):
            raise KeyError("unforeseen")
        point("world:before")
        WORLD.effects[ctx.key] += 1
        WORLD.order.append(ctx.key)
        WORLD.present.add(ctx.key)
        point("world:after")
        return {"key": ctx.key, "seen": sorted(ctx.receipts)}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        if ctx.params.get("final"):
            raise NotUndoable("It stays.")
        WORLD.present.discard(receipt["key"])
        return {"undone": receipt["key"]}


@step("world.half")
class Half(Do):
    """Never ends. Once its undo has begun, which fails `undo_fails` times, nobody sees any more what it touched."""

    def apply(self, ctx: StepContext) -> Receipt:
        WORLD.present.add(ctx.key)
        raise StepFailed("half done")

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        WORLD.present.discard(receipt["key"])
        WORLD.tries[f"{receipt['key']} undo"] += 1
        point("world:undoing")
        if WORLD.tries[f"{receipt['key']} undo"] <= ctx.params.get("undo_fails", 0):
            raise StepFailed("not yet", retryable=True)
        WORLD.effects[f"{receipt['key']} undone"] += 1
        return {"undone": receipt["key"]}


@step("world.for_ever")
class ForEver(Do):
    undoable = False


@step("world.needed")
class Needed(Do):
    unskippable = "Nothing works without it."


def plan(
    *params: dict[str, Any],
    key: str | None = None,
    kind: str = "world.do",
    timeout_s: float = 60,
    retry_for_s: float | None = None,
    exclusive: str = "",
) -> PlanRunView:
    steps = tuple(
        StepSpec(f"s{n}", kind, value, f"Step {n}", timeout_s, retry_for_s=retry_for_s)
        for n, value in enumerate(params, start=1)
    )
    spec = PlanSpec("test", "service:loja-api", "A test", steps, {"team": "loja"}, exclusive)
    return start_plan(spec, actor=ACTOR, now=NOW, key=key or str(new_id()))


def living_executor(slot: str = "test") -> Executor:
    return executors.register(slot)


def bury(executor: UUID) -> None:
    Executor.objects.filter(pk=executor).update(ended_at=Now())


def claim(run: UUID, executor: Executor) -> journal.Claim:
    others = list(PlanRun.objects.exclude(pk=run).values_list("pk", flat=True))
    taken = journal.claim_next(executor.pk, busy=others, now=NOW)
    assert taken is not None
    assert taken.run_id == run
    return taken


def work(taken: journal.Claim, stop: threading.Event | None = None) -> Outcome:
    return interpret(taken, now=lambda: NOW + timedelta(seconds=taken.epoch), stop=stop or threading.Event())


@contextmanager
def dying_after(visits: int) -> Iterator[None]:
    """The process dies at the `visits`-th crash point from now on; 0: it lives."""
    seen = 0

    def hook(_name: str) -> None:
        nonlocal seen
        seen += 1
        if seen == visits:
            raise Crash

    crashpoints.hook = hook
    try:
        yield
    finally:
        crashpoints.hook = None


@contextmanager
def dying_at(name: str) -> Iterator[None]:
    """The process dies at that point."""

    def hook(reached: str) -> None:
        if reached == name:
            raise Crash

    crashpoints.hook = hook
    try:
        yield
    finally:
        crashpoints.hook = None


RELEASED = threading.Event()


@step("world.hang")
class Hang(Do):
    """Does not come back until RELEASED is set, and does its deed only then."""

    def apply(self, ctx: StepContext) -> Receipt:
        RELEASED.wait(30)
        return super().apply(ctx)


@step("world.patient")
class Patient(Do):
    """Works until it is told to stop."""

    def apply(self, ctx: StepContext) -> Receipt:
        while True:
            ctx.still_mine()
            ctx.progress(0.5, "half")


ANSWERED: set[str] = set()


@step("world.ask")
class Ask(Do):
    """Waits until its answer is in ANSWERED; params: `late` (the answer comes while the plan is being held)."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return {"answered": True} if ctx.key in ANSWERED else None

    def apply(self, ctx: StepContext) -> Receipt:
        def over() -> bool:
            if ctx.params.get("late"):
                ANSWERED.add(ctx.key)
            return ctx.key in ANSWERED

        raise StepWaits(Phrase("an answer about %(what)s", {"what": "it"}), path="/answers/", over=over)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {}
