"""Promotions whose steps a test carries out one by one, on a pair of real servers (`pair`, `paired`)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from uuid import uuid4

from bonanca.access.actors import SYSTEM
from bonanca.actuators.postgres import replication as servers
from bonanca.catalog.spec import ServerSpec, StandbySpec
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.queries import get_run
from bonanca.durable.registry import handler
from bonanca.recovery.operations.start_promotion import start_promotion
from bonanca.recovery.tests.shop import Shop
from bonanca.signals.queries import alerts
from tests.support.pair import Pair
from tests.support.poll import eventually

WORKER = SYSTEM("test")


def now() -> datetime:
    return datetime.now(UTC)


class Run:
    """The steps of a started promotion, carried out one by one as the interpreter does."""

    def __init__(self, run_id) -> None:
        self.run, self.receipts = get_run(run_id), {}

    def context(self, planned, token=None, timeout_s=120.0) -> StepContext:
        return StepContext(
            run_id=self.run.id, step_key=planned.key, token=token or FenceToken(self.run.id, 1), params=planned.params,
            context={}, receipts=dict(self.receipts), timeout_s=timeout_s, now=now, progress=lambda share, text: None,
            still_mine=lambda: None, remaining_s=lambda: timeout_s,
        )  # fmt: skip

    def do(self, *keys: str, timeout_s: float = 120.0) -> None:
        for planned in self.run.steps:
            if not keys or planned.key in keys:
                does, ctx = handler(planned.kind), self.context(planned, timeout_s=timeout_s)
                self.receipts[planned.key] = does.check(ctx) or does.apply(ctx)

    def undo(self, key: str):
        planned = self.run.step(key)
        ctx, does = self.context(planned, FenceToken(uuid4(), 1)), handler(planned.kind)
        receipt = self.receipts.get(key) or does.check(ctx)  # without one the world is asked, as the interpreter does
        return does.undo(ctx, receipt) if receipt is not None else None


def promoting(shop: Shop, **more) -> Run:
    return Run(start_promotion(service=shop.slug, actor=WORKER, now=now(), key=os.urandom(4).hex(), **more).id)


def burning() -> list[str]:
    return [alert.labels["alertname"] for alert in alerts(state="firing")]


def replace_standby(shop: Shop, **changes):
    database = shop.service.database
    standby = StandbySpec(**{**vars(database.standby), **changes})
    return database.__class__(**{**vars(database), "standby": standby})


def finish(run: Run, state: str = "succeeded") -> None:
    from bonanca.durable.models import PlanRun

    PlanRun.objects.filter(pk=run.run.id).update(state=state, finished_at=now())


def with_folders(pair: Pair, shop: Shop) -> None:
    both = tuple(ServerSpec(server.data, ("true",), ("true",)) for server in (pair.primary, pair.standby))
    shop.declare(database=replace_standby(shop, servers=both))


def caught_up(pair: Pair, shop: Shop) -> None:
    """Wait until the standby has replayed what the shop's making wrote."""
    eventually(lambda: not servers.lag_bytes(servers.look(shop.dsn), servers.look(pair.standby.dsn("loja"))), 20.0)
