"""A worker that is stopped (SIGSTOP) with plans at every place, loses them, and is continued."""

from __future__ import annotations

import signal

from tests.faults.support import points
from tests.faults.support.house import House, Worker
from tests.support.poll import eventually

WITHIN_S = 10.0


def stopped_holder(house: House, name: str, at: list[str], **env: str) -> tuple[Worker, dict[str, str]]:
    """A worker that stood at each of the points with a plan of its own, was stopped, and whose plans have ended."""
    for worker in house.workers():
        worker.kill()
    zombie = house.worker(BONANCA_PLANS_AT_ONCE=str(len(at) + 1), **env)
    house.wait_worker(zombie)
    runs: dict[str, str] = {}
    for number, point in enumerate(at):
        tag = f"{name}{number}"
        runs[tag] = house.start(tag, arm=(points.of(point, tag),))
        if point.startswith("claim"):
            house.reached(point.replace("RUN", runs[tag]))
            continue
    eventually(lambda: not any("@" not in p.name for p in house.control.iterdir()), 15)
    successor = house.worker()
    house.wait_worker(successor)
    zombie.send(signal.SIGSTOP)
    house.wait_finished(*runs.values(), timeout_s=WITHIN_S)
    return zombie, runs


def assert_all_done_once(house: House, runs: dict[str, str]) -> None:
    for tag, run in runs.items():
        house.assert_done_once(tag, run)


IN_THREADS = [*points.AROUND[1:], *points.in_steps(*points.OUTSIDE_THE_FENCE)]


def test_stopped_on_the_same_host_is_killed_by_its_successor(house: House) -> None:
    at = [*IN_THREADS, *points.in_steps(*points.INSIDE_THE_FENCE), points.AROUND[0]]
    zombie, runs = stopped_holder(house, "stopped", at)
    eventually(lambda: not zombie.alive())  # nothing but SIGKILL ends a stopped process
    zombie.expected_dead = True
    assert_all_done_once(house, runs)


def test_continued_on_another_host_is_refused_everywhere(house: House) -> None:
    zombie, runs = stopped_holder(house, "elsewhere", IN_THREADS, BONANCA_HOST_ID="elsewhere")
    assert_all_done_once(house, runs)
    house.let_go()
    zombie.send(signal.SIGCONT)
    # A plan whose last write was done before the stop has nothing left to be refused.
    refused = len(runs) - 1
    eventually(lambda: zombie.log.read_text().count("outcome=fenced") == refused)
    assert_all_done_once(house, runs)
    zombie.kill()


def test_stopped_inside_a_fence_is_killed_by_who_needs_it(house: House) -> None:
    at = points.in_steps(*points.INSIDE_THE_FENCE)
    zombie, runs = stopped_holder(house, "inside", at, BONANCA_HOST_ID="elsewhere")
    eventually(lambda: not zombie.alive())  # nothing but SIGKILL ends a stopped process
    zombie.expected_dead = True
    assert_all_done_once(house, runs)


def test_stopped_while_it_holds_the_plans_row_keeps_nobody_out(house: House) -> None:
    at = points.in_steps(*points.HOLDING)
    zombie, runs = stopped_holder(house, "holding", at, BONANCA_HOST_ID="elsewhere")
    assert_all_done_once(house, runs)
    house.let_go()
    zombie.send(signal.SIGCONT)
    eventually(lambda: zombie.log.read_text().count("outcome=fenced") == len(runs))
    assert_all_done_once(house, runs)
    zombie.kill()


def test_stopped_just_after_its_claim_is_refused(house: House) -> None:
    zombie, runs = stopped_holder(house, "claimed", [points.AROUND[0]], BONANCA_HOST_ID="elsewhere")
    house.let_go()
    zombie.send(signal.SIGCONT)
    eventually(lambda: zombie.log.read_text().count("outcome=fenced") == 1)
    assert_all_done_once(house, runs)
    zombie.kill()
