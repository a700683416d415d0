"""SIGKILL of the worker, of our PostgreSQL and of the process that starts plans, at every place of a plan."""

from __future__ import annotations

import pytest

from tests.faults.support import points
from tests.faults.support.house import House
from tests.support.poll import eventually

WITHIN_S = 10.0


def started(house: House, tag: str, point: str) -> tuple[str, int]:
    """A plan that stands at the point, and who stands there."""
    run = house.start(tag, arm=(points.of(point, tag),))
    return run, house.reached(points.of(point, tag).replace("RUN", run))


@pytest.mark.parametrize("point", points.ALL)
def test_worker_killed(house: House, point: str) -> None:
    house.pool(2)
    tag = f"worker-{point.replace(':', '-')}"
    run, victim = started(house, tag, point)
    house.kill_pid(victim)
    house.wait_finished(run, timeout_s=WITHIN_S)
    house.assert_done_once(tag, run)


@pytest.mark.parametrize("point", points.ALL)
def test_postgresql_killed(house: House, point: str) -> None:
    house.pool(2)
    tag = f"postgres-{point.replace(':', '-')}"
    run, _ = started(house, tag, point)
    house.cluster.kill()
    house.let_go()
    house.cluster.start(durable=False)
    house.cluster.wait_ready()
    house.wait_finished(run, timeout_s=WITHIN_S)
    house.assert_done_once(tag, run)


@pytest.mark.parametrize("point", points.in_steps(*points.OUTSIDE_THE_FENCE, *points.INSIDE_THE_FENCE)[7:14])
def test_worker_and_postgresql_killed_together(house: House, point: str) -> None:
    house.pool(2)
    tag = f"both-{point.replace(':', '-')}"
    run, victim = started(house, tag, point)
    house.cluster.kill()
    house.kill_pid(victim)
    house.cluster.start(durable=False)
    house.cluster.wait_ready()
    house.wait_finished(run, timeout_s=WITHIN_S)
    house.assert_done_once(tag, run)


def test_undo_whose_worker_is_killed_at_every_step(house: House) -> None:
    house.pool(2)
    run = house.start("undone")
    house.wait_finished(run)
    house.tell(do="undo", run=run)
    undo = house.heard()["run"]
    assert undo != run
    house.wait_finished(undo)
    assert (house.files / "undone").read_text() == ""
    house.tell(do="undo", run=undo)
    again = house.heard()["run"]
    house.wait_finished(again)
    lines = (house.files / "undone").read_text().splitlines()
    assert lines == [f"{again}:undone.{number}" for number in range(1, 5)]
    for number in range(1, 5):
        for place in ("undo:before", "undo:after"):
            (house.control / f"{place}:undone.{number}").touch()
    house.tell(do="undo", run=again)
    last = house.heard()["run"]
    for number in range(4, 0, -1):
        for place in ("undo:before", "undo:after"):
            victim = house.reached(f"{place}:undone.{number}", timeout_s=20)
            house.pool(2)
            house.kill_pid(victim)
            (house.control / f"{place}:undone.{number}@{victim}").unlink()
    house.wait_finished(last, timeout_s=WITHIN_S)
    assert house.state(last) == "succeeded"
    assert (house.files / "undone").read_text() == ""


def test_web_killed_while_its_plans_stand_at_every_place(house: House) -> None:
    house.pool(2)
    runs = {}
    for number, point in enumerate(points.ALL[1:]):
        tag = f"web{number}"
        runs[tag] = house.start(tag, arm=(points.of(point, tag),))
        if number % 8 == 7 or number == len(points.ALL) - 2:
            eventually(lambda: not any("@" not in p.name for p in house.control.iterdir()))
            house.web().kill()
            house.let_go()
    house.wait_finished(*runs.values(), timeout_s=WITHIN_S)
    for tag, run in runs.items():
        house.assert_done_once(tag, run)


def test_web_killed_inside_its_transaction_leaves_nothing(house: House) -> None:
    house.pool(2)
    (house.control / "start:recorded").touch()
    house.tell(**house.request("torn"))
    house.reached("start:recorded")
    house.web().kill()
    house.let_go()
    assert house.query("SELECT 1 FROM durable_planrun WHERE key = 'torn'") == []
    run = house.start("torn")
    house.wait_finished(run)
    house.assert_done_once("torn", run)


def test_postgresql_killed_inside_the_starting_transaction_leaves_nothing(house: House) -> None:
    house.pool(2)
    (house.control / "start:recorded").touch()
    web = house.web()
    house.tell(**house.request("lost"))
    house.reached("start:recorded")
    house.cluster.kill()
    house.let_go()
    house.cluster.start(durable=False)
    house.cluster.wait_ready()
    web.child.wait()  # the toy page does not survive its lost transaction
    assert house.query("SELECT 1 FROM durable_planrun WHERE key = 'lost'") == []
    run = house.start("lost")
    house.wait_finished(run, timeout_s=WITHIN_S)
    house.assert_done_once("lost", run)


def test_web_killed_after_its_commit_has_started_one_plan(house: House) -> None:
    house.pool(2)
    (house.control / "start:committed").touch()
    house.tell(**house.request("kept"))
    house.reached("start:committed")
    house.web().kill()
    house.let_go()
    run = house.start("kept")
    house.wait_finished(run)
    house.assert_done_once("kept", run)
    assert house.query("SELECT count(*) FROM durable_planrun WHERE key = 'kept'") == [(1,)]


def test_caller_that_rolls_back_has_started_nothing(house: House) -> None:
    house.pool(2)
    house.start("rolled-back", roll_back=True)
    run = house.start("after")
    house.wait_finished(run)
    assert house.query("SELECT 1 FROM durable_planrun WHERE key = 'rolled-back'") == []
    assert not (house.files / "rolled-back").exists()


def test_same_key_started_twice_is_one_plan(house: House) -> None:
    house.pool(2)
    first, second = house.start("twice"), house.start("twice")
    assert first == second
    house.wait_finished(first)
    house.assert_done_once("twice", first)


def test_nothing_is_left_unfinished(house: House) -> None:
    assert house.query("SELECT key, state FROM durable_planrun WHERE state IN ('queued', 'running')") == []
