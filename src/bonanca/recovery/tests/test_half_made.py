"""A restore that was cut off while it loaded leaves no half of a database behind when it is undone."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from bonanca.durable import crashpoints
from bonanca.durable.context import FenceToken
from bonanca.durable.registry import handler
from bonanca.recovery.operations.propose_restore import propose_restore
from bonanca.recovery.operations.start_restore import start_restore
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.recovery.tests.test_restore import WORKER, Run


class Died(BaseException):
    """As SIGKILL."""


def test_the_undo_drops_what_was_loaded_half(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW)
    run = Run(start_restore(shown.id, actor=WORKER, now=NOW).run_id)
    load = next(step for step in run.run.steps if step.key == "load")

    def die(name: str) -> None:
        if name == "postgres.restore.created":
            raise Died

    monkeypatch.setattr(crashpoints, "hook", die)
    with pytest.raises(Died):
        handler(load.kind).apply(run.context(load))
    (half,) = shop.databases() - {shop.name}
    asking = replace(run.context(load), token=FenceToken(uuid4(), 1))
    # A retry goes on as before: only the undo is told of it.
    assert handler(load.kind).check(run.context(load)) is None
    receipt = handler(load.kind).check(asking)
    assert receipt is not None
    undo = replace(asking, run_id=asking.token.run_id)
    assert handler(load.kind).undo(undo, receipt) == {"dropped": half}
    assert shop.databases() == {shop.name}
    assert handler(load.kind).undo(undo, receipt) == {"dropped": half}
    assert handler(load.kind).check(asking) is None
