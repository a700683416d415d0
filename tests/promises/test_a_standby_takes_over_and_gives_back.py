"""A standby takes over and gives back: the old primary is closed first, and no confirmed row is lost, even if killed.

Two real servers, and somebody who writes all the time. The worker is killed with SIGKILL at every boundary of every
step of the promotion and of its undo. At the end of each plan what was confirmed is in the primary, the other server
takes no writes, and each step was done once.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bonanca.actuators.postgres import replication as servers
from tests.faults.support.house import House
from tests.support.memory import quick_folder
from tests.support.pair import Pair
from tests.support.poll import eventually

PROMOTION = ("preflight", "fence", "promote", "switch", "prove")
REJOIN = ("rejoin_preflight", "close", "rejoin", "follows")
PLACES = ("check:after", "receipt:before", "receipt:after")
# A kill and the takeover after it take about a second; a busy machine takes its time.
WITHIN_S = 60.0


class Writer:
    """Somebody who writes through the service's address file all the time, and remembers what was acknowledged."""

    def __init__(self, dsn_file: Path) -> None:
        self.dsn_file = dsn_file
        self.acknowledged: list[int] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        number = 0
        while not self._closing.wait(0.01):
            try:
                with psycopg.connect(self.dsn_file.read_text(), autocommit=True, connect_timeout=5) as connection:
                    while not self._closing.wait(0.01):
                        number += 1
                        connection.execute("INSERT INTO orders VALUES (%s)", (number,))
                        self.acknowledged.append(number)
            except psycopg.OperationalError:
                continue  # closed for the promotion: a service would try again too

    def close(self) -> None:
        self._closing.set()
        self._thread.join(15)


class Move:
    """The two servers, Bonança's processes, and the writer."""

    def __init__(self, folder: Path) -> None:
        self.pair = Pair(folder / "pair", durable=True)
        (folder / "pair").mkdir()
        with ThreadPoolExecutor(1) as beside:
            begun = beside.submit(self.pair.begin)
            self.house = House(folder / "house", web="promotions", tables="all")
            begun.result()
        with psycopg.connect(self.pair.primary.dsn(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE loja")
        self.dsn_file, self.standby_file = folder / "dsn", folder / "standby-dsn"
        self.dsn_file.write_text(self.pair.primary.dsn("loja"))
        self.standby_file.write_text(self.pair.standby.dsn("loja"))
        with psycopg.connect(self.dsn_file.read_text(), autocommit=True) as connection:
            connection.execute("CREATE TABLE orders (number bigint PRIMARY KEY)")
        self.declare(folder / "bonanca.yaml")
        self.writer = Writer(self.dsn_file)

    def declare(self, path: Path) -> None:
        both = []
        for server in (self.pair.primary, self.pair.standby):
            start, stop = self.pair.commands(server)
            both.append({"data": str(server.data), "start": start, "stop": stop})
        standby = {"dsn_file": str(self.standby_file), "servers": both}
        database = {"dsn_file": str(self.dsn_file), "name": "loja", "standby": standby}
        service = {"slug": "loja", "name": "Loja", "team": "loja", "database": database}
        team = {"slug": "loja", "name": "Loja", "members": [{"email": "ana@loja.example", "name": "Ana"}]}
        path.write_text(json.dumps({"version": 1, "teams": [team], "services": [service]}))
        assert self.ask(do="apply", path=str(path)) == {"done": True}

    def ask(self, **request: Any) -> dict[str, Any]:
        self.house.tell(**request)
        return self.house.heard()

    def killed_at(self, points: list[str], **request: Any) -> str:
        """Start a plan; whoever reaches one of the points is killed there, and another worker takes over."""
        house = self.house
        house.pool(1)
        for point in points:
            (house.control / point).touch()
        run = str(self.ask(**request)["run"])
        for point in points:
            victim = self.reached(point, run)
            house.worker()
            house.kill_pid(victim)
            (house.control / f"{point}@{victim}").unlink()
        house.wait_finished(run, timeout_s=WITHIN_S)
        states = house.query("SELECT state, error FROM durable_planrun WHERE id = %s", run)
        assert states == [("succeeded", "")]
        told = house.query(
            "SELECT payload->>'step_key', count(*) FROM outbox_outboxevent WHERE name = 'durable.plan.step_done.v1'"
            " AND payload->>'run_id' = %s GROUP BY 1 HAVING count(*) > 1",
            run,
        )
        assert told == []
        return run

    def reached(self, point: str, run: str) -> int:
        try:
            return self.house.reached(point, WITHIN_S)
        except AssertionError as never:
            steps = self.house.query("SELECT key, state, error FROM durable_planstep WHERE run_id = %s", run)
            raise AssertionError(f"{point} was not reached: {steps}") from never

    def receipt(self, run: str, step: str) -> dict[str, Any]:
        found: dict[str, Any] = self.house.query(
            "SELECT receipt FROM durable_planstep WHERE run_id = %s AND key = %s", run, step
        )[0][0]
        return found

    def holds(self, *, primary: Any) -> None:
        """This server is the primary, has every acknowledged row, and is the only one that takes writes."""
        assert self.dsn_file.read_text() == primary.dsn("loja")
        after = len(self.writer.acknowledged)
        eventually(lambda: len(self.writer.acknowledged) > after, WITHIN_S)  # the service goes on there
        known = list(self.writer.acknowledged)
        with psycopg.connect(primary.dsn("loja"), autocommit=True) as connection:
            there = {row[0] for row in connection.execute("SELECT number FROM orders")}
        assert set(known) <= there
        assert not servers.takes_writes(self.standby_file.read_text())

    def close(self) -> None:
        self.writer.close()
        self.house.close()
        self.pair.end()


@pytest.fixture(scope="module")
def move() -> Iterator[Move]:
    with quick_folder() as folder:
        made = Move(folder)
        try:
            yield made
        finally:
            made.close()


def boundaries(*steps: str) -> list[str]:
    return [f"{place}:{step}" for step in steps for place in PLACES]


def test_a_promotion_whose_worker_is_killed_at_every_boundary(move: Move) -> None:
    run = move.killed_at(boundaries(*PROMOTION), do="promote", key="there")
    move.holds(primary=move.pair.standby)
    assert move.receipt(run, "promote")["nothing_lost"]
    assert servers.fenced(move.standby_file.read_text())


def test_its_undo_whose_worker_is_killed_at_every_boundary_rewinds_and_comes_back(move: Move) -> None:
    assert move.ask(do="look") == {"rewind": True, "why": "", "problems": []}
    run = move.killed_at(boundaries(*REJOIN, *PROMOTION), do="rejoin", key="back", back=True)
    assert move.receipt(run, "rejoin") == {"method": "rewind"}
    move.holds(primary=move.pair.primary)


def test_a_rewind_that_was_killed_in_the_middle_is_copied_instead_and_nothing_is_thrown_away(
    move: Move,
) -> None:
    # After the undo, the second server is the old primary. It has settings of its own.
    second = move.pair.standby
    with (second.data / "postgresql.conf").open("a") as out:
        out.write("work_mem = '7MB'\n")
    inside = ("stopped", "rewinding", "copying", "brought", "started", "forgotten")
    places = [f"recovery.rejoin.{place}" for place in inside]
    run = move.killed_at([*places[:3], "postgres.copy_server.old_away", *places[3:]], do="rejoin", key="standby")
    receipt = move.receipt(run, "rejoin")
    assert (receipt["method"], receipt["why"]) == ("copy", "interrupted")
    assert (Path(receipt["kept"]) / "PG_VERSION").exists()
    assert "work_mem = '7MB'" in (second.data / "postgresql.conf").read_text()
    move.holds(primary=move.pair.primary)
    old = servers.look(move.standby_file.read_text())
    assert old.in_recovery
    assert old.kept_bytes is None  # the log that was kept for it is let go
