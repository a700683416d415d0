"""Two web processes, two workers, a gateway and a real service on one PostgreSQL, in trouble during a rollback.

One of the four is killed with SIGKILL and stays dead; clocks of workers leap; lines to PostgreSQL are slow, silent or
broken. Each time the outcome is looked at from outside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.chaos import checks
from tests.chaos.storm import CHANGE, Storm, Wishes
from tests.chaos.town import WEBS, WORKERS, Town
from tests.chaos.turns import approved
from tests.support import clocks
from tests.support.poll import eventually

# From the moment of the trouble to the plan's end. A takeover takes a second or two; a machine may be very busy.
WITHIN_S = 90.0
HOUR_S = 3600


class Scene:
    """The town with version 2 live, and what each test does with it: go back, in trouble, and then forth again."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.storm = Storm(town, Wishes(seed=1, rollbacks=0, restores=0), say=print)
        self.orders = checks.Visitors(town)
        self.storm.prepare(self.orders)
        self.run = ""

    def go_back(self, point: str, trouble: Callable[[int], None]) -> str:
        """Ask for a rollback; when a worker stands at the point, `trouble` gets its pid. Returns the ended run."""
        town = self.town
        town.arm(point)
        self.run = run = approved(town, f"changes/{self.storm.change}/rollback")()
        trouble(eventually(lambda: town.reached(point), WITHIN_S, 0.01) or 0)
        town.let_go()
        self.ended(run)
        return run

    def ended(self, run: str) -> None:
        ended = "SELECT state FROM durable_planrun WHERE id = %s AND finished_at IS NOT NULL"
        began = time.monotonic()
        assert eventually(lambda: self.town.query(ended, run), WITHIN_S, 0.05) == [("succeeded",)]
        print(f"ended {time.monotonic() - began:.1f} s after the trouble")

    def holds(self, run: str, version: str = "v1") -> None:
        """Everything is of one version, done once, and no order is lost."""
        town, known = self.town, self.storm.versions[version]
        with self.orders.away():
            wrong = checks.done_once(town, run)
            wrong += checks.whole_version(town, known, version)
            wrong += checks.change_stands(town, self.storm.change, CHANGE[version])
            wrong += checks.nothing_lost(town, set(self.orders.acknowledged), in_place=version == "v1")
            wrong += checks.nothing_left_over(town, self.storm.pin_databases)
            if version == "v2":
                self.orders.acknowledged = town.kiosk.keys()
        assert wrong == []

    def go_forth(self) -> None:
        """The undo of the last rollback, with nothing in its way: version 2 again, for the next test."""
        if not self.run:
            return
        plan, self.run = self.storm.plan_of(self.run), ""
        undo = approved(self.town, f"response-plans/{plan}/undo")()
        self.ended(undo)
        self.holds(undo, "v2")
        for database in set(self.town.kiosk.databases()) - self.storm.pin_databases:
            self.town.kiosk.drop(database)


@pytest.fixture(scope="module")
def standing_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Town(tmp_path_factory.mktemp("town") / "town", breakable=True) as town:
        scene = Scene(town)
        yield scene
        scene.orders.close()


@pytest.fixture
def scene(standing_scene: Scene) -> Iterator[Scene]:
    town = standing_scene.town
    yield standing_scene
    town.let_go()
    town.clock.leap(0)
    for line in (town.line, town.service_line):
        line.heal()
    town.lost.clear()
    assert checks.settled(town) == []
    standing_scene.go_forth()


@pytest.mark.parametrize(
    ("lost", "point"),
    [
        ("the worker that carries the plan out", "check:after:data"),
        ("the worker that waits", "receipt:before:data"),
        ("the web that was asked", "check:after:restart"),
        ("the other web", "receipt:after:configuration"),
    ],
)
def test_the_loss_of_any_one_of_two_webs_and_two_workers(scene: Scene, lost: str, point: str) -> None:
    town = scene.town
    victim = ""

    def lose(holder: int) -> None:
        nonlocal victim
        carrying = next(slot for slot, pid in town.workers.items() if pid == holder)
        waiting = next(slot for slot in WORKERS if slot != carrying)
        asked, other = (WEBS[town._at], next(web for web in WEBS if web != WEBS[town._at]))
        victim = {
            "the worker that carries the plan out": carrying,
            "the worker that waits": waiting,
            "the web that was asked": asked,
            "the other web": other,
        }[lost]
        town.lose(victim)

    run = scene.go_back(point, lose)
    # The page still answers through whoever is left, and says what came of the plan; whoever is dead does not.
    for web in WEBS:
        if web == victim:
            with pytest.raises(httpx.TransportError):
                town.person_at(web).get("me")
            continue
        assert town.person_at(web).get(f"plans/{run}")["state"] == "succeeded"
        assert httpx.get(f"{town.address_of(web)}/status/", timeout=30).status_code == 200
    takeovers = town.query("SELECT takeovers FROM durable_planrun WHERE id = %s", run)[0][0]
    assert takeovers == (1 if lost == "the worker that carries the plan out" else 0)
    assert victim in town.lost
    scene.holds(run)


def take_turns(town: Town, *troubles: tuple[str, Callable[[], None]]) -> Callable[[int], None]:
    """The first trouble at the point that was reached, each further one at the point that stands before it."""

    def trouble(_holder: int) -> None:
        (_first, begin), *later = troubles
        for point, _next in later:
            town.arm(point)
        begin()
        for point, then in later:
            next(iter(town.control.glob("*@*"))).unlink()
            eventually(lambda at=point: town.reached(at), WITHIN_S, 0.01)
            then()

    return trouble


@pytest.mark.skipif(clocks.library() is None, reason="libfaketime (Debian: faketime) is not installed")
@pytest.mark.parametrize("hours", [(1, 0), (-1, 1)], ids=["forward and right again", "back and then forward"])
def test_wall_clocks_of_workers_leap_by_an_hour(scene: Scene, hours: tuple[int, int]) -> None:
    town = scene.town
    leap, then = (lambda: town.clock.leap(hours[0] * HOUR_S)), (lambda: town.clock.leap(hours[1] * HOUR_S))
    run = scene.go_back("check:after:data", take_turns(town, ("", leap), ("receipt:before:restart", then)))
    scene.holds(run)
    # Nobody has taken the plan from a worker that lived, and nothing waits for an hour to pass.
    assert town.query("SELECT takeovers FROM durable_planrun WHERE id = %s", run) == [(0,)]
    eventually(lambda: town.query("SELECT count(*) FROM outbox_delivery WHERE state = 'pending'") == [(0,)], 15)


def test_the_lines_to_both_databases_are_slow(scene: Scene) -> None:
    def slow(_holder: int) -> None:
        for line in (scene.town.line, scene.town.service_line):
            line.delay(0.02)

    run = scene.go_back("check:after:copy", slow)
    scene.holds(run)
    assert scene.town.query("SELECT takeovers FROM durable_planrun WHERE id = %s", run) == [(0,)]


def test_both_lines_are_broken_again_and_again(scene: Scene) -> None:
    def break_both() -> None:
        for line in (scene.town.line, scene.town.service_line):
            line.reset()

    places = ("", "check:after:data", "receipt:before:set_aside")
    run = scene.go_back("check:after:copy", take_turns(scene.town, *((place, break_both) for place in places)))
    scene.holds(run)


def test_a_backup_takes_the_place_of_the_running_database_and_gives_it_back(scene: Scene) -> None:
    town, orders = scene.town, scene.orders
    with orders.away():
        scene.ended(str(town.person.post("backups", service="kiosk", verify=False)["plan_id"]))
        backed_up = town.kiosk.keys()
    backup = town.person.get("backups", service="kiosk")[0]["id"]
    since = eventually(lambda: town.kiosk.keys() - backed_up, WITHIN_S)

    restore = town.person.post("restores", service="kiosk", backup_id=backup, mode="swap")
    assert not restore["refused"]
    town.arm("postgres.swap.renamed")
    refused = orders.refused
    run = town.person.post(f"restores/{restore['id']}/start")["run_id"]
    town.kill_worker(eventually(lambda: town.reached("postgres.swap.renamed"), WITHIN_S, 0.01) or 0)
    town.let_go()
    scene.ended(run)
    assert orders.refused > refused, "visitors met the polite page and were told so"
    with orders.away():
        assert backed_up <= town.kiosk.keys()
        assert not since & town.kiosk.keys()
        wrong = checks.done_once(town, run) + checks.whole_version(town, scene.storm.versions["v2"], "v2")
        # What was written since the backup is in the database that was replaced, and kept.
        assert wrong + checks.nothing_lost(town, set(orders.acknowledged), in_place=False) == []

    undo = str(town.person.post(f"restores/{restore['id']}/undo")["plan_id"])
    scene.ended(undo)
    with orders.away():
        assert since <= town.kiosk.keys()
        wrong = checks.done_once(town, undo) + checks.whole_version(town, scene.storm.versions["v2"], "v2")
        assert wrong + checks.nothing_lost(town, set(orders.acknowledged), in_place=False) == []
        orders.acknowledged = town.kiosk.keys()
