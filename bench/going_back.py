"""A whole rollback with the pinned copy of a large database, while visitors order and somebody writes all the time.

The ground is that of the chaos runs: a real Bonança of several processes and a small service with its own server. Its
database is filled with pgbench's tables before the version goes out that is then taken back.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.measures import Aim, Chapter, Lap, Measured, Say, in_turns
from bonanca.actuators.postgres.binaries import pg_bin_of, pg_environment
from tests.chaos.kiosk import NAME
from tests.chaos.storm import Storm, Wishes
from tests.chaos.town import Town
from tests.chaos.turns import Deed, Turn, approved

WHOLE = "the whole rollback, to its last announcement"
DECIDED = "decision to verified"
COPY = "of it: the copy that lies ready is taken, everything still runs"
DATA = "a write into the database waits at most"
VISITORS = "visitors wait or see the polite page"
PIN = "a deployment's pin holds new connections"
SPARE_WITHIN_S = 300.0
STEPS = """
    SELECT s.key, extract(epoch FROM s.started_at - r.created_at)::float,
        extract(epoch FROM s.finished_at - r.created_at)::float
    FROM durable_planstep s JOIN durable_planrun r ON r.id = s.run_id WHERE r.id = %s
"""


class Steady(threading.Thread):
    """Does something again and again, and knows the longest time between two successes."""

    def __init__(self, attempt: Callable[[], bool], every_s: float) -> None:
        super().__init__(daemon=True)
        self._attempt, self._every_s = attempt, every_s
        self._ended = threading.Event()
        self.longest = 0.0

    def __enter__(self) -> Steady:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(self._every_s):
            if self._attempt():
                now = time.monotonic()
                self.longest, last = max(self.longest, now - last), now


def writing(dsn: str) -> Callable[[], bool]:
    """Writes a row; the database of before has no table for it, so it is made where it is missing."""
    connection: psycopg.Connection[Any] | None = None

    def write() -> bool:
        nonlocal connection
        try:
            if connection is None:
                connection = psycopg.connect(dsn, autocommit=True, connect_timeout=10)
            connection.execute("CREATE TABLE IF NOT EXISTS writes (at timestamptz)")
            connection.execute("INSERT INTO writes VALUES (clock_timestamp())")
        except psycopg.Error:
            connection = None
            return False
        return True

    return write


def ordering(entry: str) -> Callable[[], bool]:
    """Orders through the gateway; only what was acknowledged counts."""
    client = httpx.Client(base_url=entry, timeout=30)
    sent = 0

    def order() -> bool:
        nonlocal sent
        sent += 1
        try:
            return client.post("/orders", json={"key": f"{id(client)}-{time.time()}-{sent}"}).status_code == 201
        except httpx.HTTPError:
            return False

    return order


def going_back(folder: Path, major: int, scale: int, seed: int, rounds: int, say: Say) -> Chapter:
    """Roll a deployment back and take that back, again and again; each time everything is measured."""
    folder.mkdir(parents=True)
    with Town(folder, durable=True, spare=True) as town:
        storm = Storm(town, Wishes(seed, 0, 0), say)
        _deploy(storm, "v1")
        fill = [str(pg_bin_of(major, "pgbench")), "--initialize", "--quiet", f"--scale={scale}"]
        subprocess.run([*fill, town.kiosk.cluster.dsn(NAME)], env=pg_environment(), check=True, capture_output=True)
        change = _deploy(storm, "v2")
        size = int(town.kiosk.query(f"SELECT pg_database_size('{NAME}')")[0][0])
        held = float(town.query("SELECT held_seconds FROM recovery_pin ORDER BY taken_at DESC LIMIT 1")[0][0])
        found = {name: Measured(name) for name in (DECIDED, COPY, DATA, VISITORS)}

        def rollback(lap: Lap) -> None:
            _wait_for_spare(town)
            lap.begin()
            kept = set(town.kiosk.databases())
            _rolled_back(storm, change, lap, found)
            for database in {name for name in town.kiosk.databases() if "_spare_" not in name} - kept:
                town.kiosk.drop(database)

        whole = in_turns({WHOLE: rollback}, rounds, say)
    return Chapter(
        "A rollback with the pinned copy",
        f"Code, configuration and a database of {size / 1e6:.0f} MB back to before a deployment, through the API, while"
        " visitors order through the gateway and somebody writes rows straight into the database all the time. The"
        " decision is the approval, by the clock of Bonança's database. A copy of the pin lies ready"
        " (`rollback.spare`), as it does some time after a deployment. Each rollback is then undone.",
        [*whole, *found.values(), Measured(PIN, [held], [{}])],
        (Aim("the data is away for ≤ 0.5 s", DATA, 0.5), Aim("decision to verified ≤ 2 s", DECIDED, 2.0)),
    )


def _wait_for_spare(town: Town) -> None:
    deadline = time.monotonic() + SPARE_WITHIN_S
    while not town.query("SELECT 1 FROM recovery_pin WHERE spare_at IS NOT NULL"):
        if time.monotonic() > deadline:
            raise TimeoutError("no spare copy of the pin was made")
        time.sleep(0.2)


def _deploy(storm: Storm, version: str) -> int:
    person = storm.town.person
    change = person.post("changes", service=NAME, version=version)
    started = person.post(f"changes/{change['number']}/deploy", override_reason="bench")
    _carried_out(storm, lambda: str(started["run_id"]))
    return int(change["number"])


def _carried_out(storm: Storm, start: Any) -> str:
    turn = Turn(0, "bench")
    run = storm.chaos.run(turn, Deed("nobody", "", 0), start)
    storm.chaos.finish(turn, run)
    assert not turn.wrong, turn.wrong
    return run


def _rolled_back(storm: Storm, change: int, lap: Lap, found: dict[str, Measured]) -> None:
    town = storm.town
    with Steady(writing(town.kiosk.cluster.dsn(NAME)), 0.002) as writer, Steady(ordering(town.entry), 0.02) as visitors:
        run = _carried_out(storm, approved(town, f"changes/{change}/rollback"))
        lap.done()
    steps = {key: (float(began), float(ended)) for key, began, ended in town.query(STEPS, run)}
    lap.facts |= {key: round(ended - began, 2) for key, (began, ended) in steps.items() if ended - began > 0.05}
    began, ended = steps["copy"]
    measured = {DECIDED: steps["verify"][1], COPY: ended - began, DATA: writer.longest, VISITORS: visitors.longest}
    for name, seconds in measured.items():
        found[name].seconds.append(seconds)
        found[name].facts.append({})
    _carried_out(storm, approved(town, f"response-plans/{storm.plan_of(run)}/undo"))
