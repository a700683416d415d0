"""What must hold after every turn, looked at from outside."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.chaos.town import Town


class Visitors:
    """Somebody who orders all the time, and remembers what was acknowledged."""

    def __init__(self, town: Town, every_s: float = 0.05) -> None:
        self.town, self.every_s = town, every_s
        # Those that have to be in the live database (after an undo, some are in one that was kept), and all ever.
        self.acknowledged: set[str] = set()
        self.total = 0
        self.refused = 0
        self._sent = 0
        self._paused = threading.Event()
        self._idle = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._order, daemon=True)
        self._thread.start()

    def _order(self) -> None:
        with httpx.Client(base_url=self.town.entry, timeout=10) as client:
            while not self._closing.wait(self.every_s):
                if self._paused.is_set():
                    self._idle.set()
                    continue
                self._idle.clear()
                self._sent += 1
                key = f"order-{self._sent}"
                try:
                    answer = client.post("/orders", json={"key": key})
                except httpx.HTTPError:
                    self.refused += 1
                    continue
                if answer.status_code == 201:
                    self.acknowledged.add(key)
                    self.total += 1
                else:
                    self.refused += 1

    @contextlib.contextmanager
    def away(self) -> Any:
        """Nobody orders meanwhile, and what was sent has been answered."""
        self._paused.set()
        self._idle.wait(15)
        try:
            yield
        finally:
            self._idle.clear()
            self._paused.clear()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(15)


def settled(town: Town, timeout_s: float = 45.0) -> list[str]:
    """Everything that was killed is back and works."""
    deadline = time.monotonic() + timeout_s
    while not town.whole():
        if time.monotonic() > deadline:
            return ["not everything that was killed is back and answers"]
        time.sleep(0.05)
    return []


def done_once(town: Town, run: str) -> list[str]:
    """Each step has one receipt and was told once; nothing is left unfinished."""
    wrong = []
    states = Counter(row[0] for row in town.query("SELECT state FROM durable_planstep WHERE run_id = %s", run))
    if set(states) - {"done"}:
        wrong.append(f"steps that are not done: {dict(states)}")
    told = Counter(
        row[0]
        for row in town.query(
            "SELECT payload->>'step_key' FROM outbox_outboxevent"
            " WHERE name = 'durable.plan.step_done.v1' AND payload->>'run_id' = %s",
            run,
        )
    )
    wrong += [f"step {key} was told {count} times" for key, count in told.items() if count != 1]
    left = town.query("SELECT id, state FROM durable_planrun WHERE state IN ('queued', 'running', 'paused')")
    if left:
        wrong.append(f"plans that have not ended: {left}")
    return wrong


def change_stands(town: Town, number: int, state: str, timeout_s: float = 30.0) -> list[str]:
    """What became of a plan is told to its change by an event, a moment after the plan has ended."""
    deadline = time.monotonic() + timeout_s
    while (found := town.insist(lambda: town.person.get(f"changes/{number}"), "the change")["state"]) != state:
        if time.monotonic() > deadline:
            return [f"the change is {found}, not {state}"]
        time.sleep(0.05)
    return []


def whole_version(town: Town, expected: dict[str, str], version: str) -> list[str]:
    """Commit, configuration, schema and rows are those of one version, and visitors are served by it."""
    wrong = []
    found = town.kiosk.state()
    wrong += [f"{part} is not that of {version}" for part in expected if found[part] != expected[part]]
    try:
        served = httpx.get(f"{town.entry}/version", timeout=10).json()
    except (httpx.HTTPError, ValueError) as problem:
        return [*wrong, f"visitors are not served: {problem}"]
    if served != {"code": version, "configuration": version}:
        wrong.append(f"visitors are served {served} instead of {version}")
    if len(replicas := town.kiosk.replicas()) != 1:
        wrong.append(f"{len(replicas)} processes of one replica: {replicas}")
    return wrong


def nothing_left_over(town: Town, pinned: set[str]) -> list[str]:
    """A plan keeps the one database that it replaced, and no scratch server, copy or file of a half-done step."""
    wrong = []
    if len(kept := set(town.kiosk.databases()) - pinned) > 1:
        wrong.append(f"more than one database was kept: {sorted(kept)}")
    known = {str(town.cluster.data), str(town.kiosk.cluster.data)}
    for words in (path.read_bytes().split(b"\0") for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)):
        texts = [word.decode(errors="replace") for word in words]
        if "postgres" in texts[0] and any(str(town.folder) in text for text in texts) and not known & set(texts):
            wrong.append(f"a server was left behind: {' '.join(texts)[:200]}")
    return wrong


def _readable(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def nothing_lost(town: Town, acknowledged: set[str], *, in_place: bool) -> list[str]:
    """Every acknowledged order is in the live database, or (after an undo) in one that was kept, and counted once."""
    wrong = []
    missing = acknowledged - town.kiosk.keys()
    if missing and not in_place:
        for database in town.kiosk.databases():
            with contextlib.suppress(psycopg.Error):
                missing -= town.kiosk.keys(database)
    if missing:
        wrong.append(f"{len(missing)} acknowledged orders are gone, such as {sorted(missing)[0]}")
    if twice := town.kiosk.counted_twice():
        wrong.append(f"orders and stock differ by {twice}")
    return wrong


def restored_whole(town: Town, database: str, expected: dict[str, str], orders: set[str]) -> list[str]:
    """The restored database holds what the backup held, and the running one was not touched."""
    wrong = []
    found = town.kiosk.data(database)
    wrong += [f"{part} of the restored database differ" for part in found if found[part] != expected[part]]
    if town.kiosk.keys(database) != orders:
        wrong.append("orders of the restored database differ")
    running = town.kiosk.data()
    wrong += [f"{part} of the running database differ" for part in running if running[part] != expected[part]]
    return wrong
