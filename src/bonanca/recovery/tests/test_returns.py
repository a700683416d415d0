"""A rollback takes its data from a backup: restored beside, compared, put in place, and all of it taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.registry import handler
from bonanca.kernel.clock import utc_now
from bonanca.recovery import folders, queries
from bonanca.recovery.identities import create_identity_file
from bonanca.recovery.models import Backup, WalFile
from bonanca.recovery.operations.choose_return import choose_return
from bonanca.recovery.operations.sweep import sweep
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.state import BackupState
from bonanca.recovery.tests.logged import begin, switch
from bonanca.recovery.tests.plans import Plan
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.recovery.views import PinView
from bonanca.response.compilers.strategies import Strategy, strategy_of
from bonanca.response.views import CheckResult

WORKER = SYSTEM("test")


def take(shop: Shop) -> Any:
    return take_backup(service=shop.slug, actor=WORKER, now=utc_now())


def pin(shop: Shop) -> PinView:
    return queries.get_pin(UUID(Plan(shop.slug, change_id="c").do("recovery.pin")["pin_id"]))


def damage(shop: Shop) -> None:
    """What a bad version does, and what people did meanwhile."""
    shop.run("UPDATE products SET price_cents = 0")
    shop.run("INSERT INTO orders (total_cents) VALUES (201), (202)")
    shop.run("UPDATE orders SET total_cents = 7 WHERE number = 1")


def checks(shop: Shop, strategy: str, pinned: PinView) -> tuple[list[str], list[str]]:
    """What holds, and what refuses."""
    found: tuple[CheckResult, ...] = strategy_of(strategy).checks(shop.service, pinned)
    return [c.words for c in found if c.passed], [c.words for c in found if not c.passed]


class Back:
    """The data's part of a rollback, carried out as the interpreter does."""

    def __init__(self, shop: Shop, strategy: str, pinned: PinView) -> None:
        way: Strategy = strategy_of(strategy)
        self.run_id, self.receipts = uuid4(), dict[str, Any]()
        self.steps = [*way.before(shop.service, pinned), *way.during(shop.service, pinned)]

    def context(self, step: Any, run_id: UUID) -> StepContext:
        return StepContext(
            run_id=run_id, step_key=step.key, token=FenceToken(run_id, 1), params=json.loads(json.dumps(step.params)),
            context={}, receipts=self.receipts, timeout_s=600, now=lambda: NOW,
            progress=lambda share, text: None, still_mine=lambda: None, remaining_s=lambda: 600.0,
        )  # fmt: skip

    def go(self) -> dict[str, Any]:
        for step in self.steps:
            does, ctx = handler(step.kind), self.context(step, self.run_id)
            self.receipts[step.key] = does.check(ctx) or does.apply(ctx)
            assert (does.check(ctx) or self.receipts[step.key]) == self.receipts[step.key]
        return self.receipts

    def undo(self) -> None:
        run_id = uuid4()
        for step in reversed(self.steps):
            handler(step.kind).undo(self.context(step, run_id), self.receipts[step.key])


def state(shop: Shop) -> tuple[Any, ...]:
    return tuple(shop.ask(f"SELECT * FROM {table} ORDER BY 1") for table in ("products", "orders"))


def test_a_rollback_goes_to_the_moment_of_its_pin_by_the_log_and_back_byte_for_byte(physical: Shop) -> None:
    begin(physical)
    backup = take(physical)
    physical.run("INSERT INTO orders (total_cents) VALUES (150)")  # after the backup, before the change: it stays
    pinned, before = pin(physical), state(physical)
    damage(physical)
    switch(physical)
    after = state(physical)
    holds, refuses = checks(physical, "point_in_time", pinned)
    assert refuses == []
    assert "The data goes back to" in holds[0]
    assert any("archived log reaches" in words for words in holds)
    (table,) = strategy_of("point_in_time").at_risk(physical.service, pinned, NOW)
    assert (table.written_since, table.changed) == (2, 1)

    back = Back(physical, "point_in_time", pinned)
    done = back.go()
    assert state(physical) == before
    assert (done["load"]["engine"], back.steps[0].params["backup_id"]) == ("physical", str(backup.id))
    assert (done["set_aside"]["to_reapply"], done["set_aside"]["to_decide"]) == (2, 1)
    lines = [json.loads(line) for line in Path(done["set_aside"]["file"]).read_text().splitlines()]
    assert [(line["key"], line["kind"]) for line in lines] == [("1", "changed"), ("62", "new"), ("63", "new")]
    physical.run("INSERT INTO orders (total_cents) VALUES (999)")
    assert physical.numbers()[-1] > 63  # numbers that were given out are not given again
    back.undo()
    assert state(physical) == after
    undone = min(queries.set_asides_of(physical.slug), key=lambda found: found.total)
    assert [row.kind for row in undone.undecided] == ["new"]  # the order of 999, which only the restored one had
    assert folders.everything_temporary() == []


def test_what_the_log_lacks_is_said_before_anything_is_touched(physical: Shop) -> None:
    pinned = pin(physical)
    assert checks(physical, "point_in_time", pinned)[1] == [
        "There is no physical backup from before the change: the log has nothing to go on from"
    ]
    begin(physical)
    take(physical)
    pinned = pin(physical)
    damage(physical)
    switch(physical)
    assert checks(physical, "point_in_time", pinned)[1] == []
    create_identity_file(physical.folder / "keys" / "other.age")
    physical.declare_backup(identity_file=physical.folder / "keys" / "other.age")
    assert "does not open it" in checks(physical, "point_in_time", pinned)[1][0]
    physical.declare_backup(identity_file=physical.folder / "keys" / "key.age")
    first = WalFile.objects.filter(number__gte=0).order_by("number")[0]
    WalFile.objects.filter(number__gte=first.number).delete()
    assert any("log" in words for words in checks(physical, "point_in_time", pinned)[1])
    assert physical.databases() >= {physical.name, pinned.copy_name}


def test_a_rollback_takes_the_newest_dump_from_before_the_change(make_shop: Any) -> None:
    shop = make_shop()
    take(shop)
    shop.run("INSERT INTO orders (total_cents) VALUES (150)")  # between the dump and the change: it is at risk too
    pinned = pin(shop)
    take(shop)  # of the change's own time: not this one
    damage(shop)
    after = state(shop)
    holds, refuses = checks(shop, "logical", pinned)
    assert (refuses, holds[0].startswith("The data goes back to")) == ([], True)
    (table,) = strategy_of("logical").at_risk(shop.service, pinned, NOW)
    assert (table.written_since, table.changed) == (3, 1)
    assert strategy_of("logical").goes_to(shop.service, pinned) < pinned.taken_at
    back = Back(shop, "logical", pinned)
    done = back.go()
    assert len(shop.numbers()) == 60
    assert shop.ask("SELECT min(price_cents) FROM products") == [(100,)]
    assert (done["set_aside"]["to_reapply"], done["set_aside"]["to_decide"]) == (3, 1)
    back.undo()
    assert state(shop) == after


def test_a_dump_that_knows_no_transaction_counts_by_time_and_still_lists_every_row(make_shop: Any) -> None:
    shop = make_shop()
    Backup.objects.filter(pk=take(shop).id).update(facts={})  # as it was taken by an earlier release
    pinned = pin(shop)
    damage(shop)
    (table,) = strategy_of("logical").at_risk(shop.service, pinned, NOW)
    assert (table.written_since, table.changed) == (2, None)
    done = Back(shop, "logical", pinned).go()
    assert (done["set_aside"]["to_reapply"], done["set_aside"]["to_decide"]) == (2, 1)


def test_without_a_dump_from_before_or_with_its_disk_full_it_is_refused(
    make_shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make_shop()
    pinned = pin(shop)
    taken = take(shop)
    assert checks(shop, "logical", pinned) == ([], ["There is no dump from before the change"])
    assert strategy_of("logical").before(shop.service, pinned)[0].params["backup_id"] is None
    pinned = pin(shop)
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("bonanca.recovery.judging.shutil.disk_usage", lambda path: usage)
    assert any("free, and opening the backup needs" in words for words in checks(shop, "logical", pinned)[1])
    monkeypatch.undo()
    Path(shop.service.backup.identity_file).unlink()
    assert any("private key is not here" in words for words in checks(shop, "logical", pinned)[1])
    Backup.objects.filter(pk=taken.id).update(state=BackupState.FAILED)
    assert choose_return(shop.service, pinned, "logical").backup_id is None


def test_what_a_rollback_has_opened_is_not_swept_away(make_shop: Any) -> None:
    from bonanca.durable.models import PlanRun

    shop = make_shop()
    run = PlanRun.objects.create(
        key="k", kind="rollback", subject=f"service:{shop.slug}", state="queued", created_at=NOW,
        created_by="x", context={},
    )  # fmt: skip
    folder = folders.scratch_folder(run.id)
    folder.mkdir()
    sweep(now=NOW)
    assert folder.exists()
    PlanRun.objects.filter(pk=run.id).update(state="succeeded", finished_at=NOW)
    sweep(now=NOW + timedelta(hours=1))
    assert not folder.exists()


def test_a_service_of_two_engines_uses_the_one_that_was_asked_for(physical: Shop) -> None:
    engine = physical.service.backup.physical
    physical.declare_backup(physical=None)
    dump = take(physical)
    physical.declare_backup(physical=engine)
    whole = take(physical)
    pinned = pin(physical)
    assert choose_return(physical.service, pinned, "logical").backup_id == dump.id
    assert choose_return(physical.service, pinned, "physical").backup_id == whole.id
    old = replace(pinned, lsn="", point="")
    assert checks(physical, "point_in_time", old)[1] == [
        "The state before the change was pinned without a position in the log"
    ]
