"""One turn: a plan is started, something is killed at a place or moment that the seed chose, and all is looked at."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg

from bonanca.cli.demo.outcome import CheckFailed
from bonanca.durable import host
from tests.chaos.town import WEBS, Stuck, Town

# What is killed, and how often in relation to the others.
VICTIMS = {
    "worker": 34,
    "worker stopped and continued": 6,
    "worker and Bonança's PostgreSQL": 8,
    "Bonança's PostgreSQL": 15,
    "the service's PostgreSQL": 15,
    "web": 8,
    "gateway": 10,
    "nobody": 4,
}
STEPS = (
    "criteria", "announce", "preflight", "copy", "maintenance", "stop", "code", "data", "set_aside", "configuration",
    "restart", "verify", "reapply", "open", "announce_end",
)  # fmt: skip
INSIDE = (
    "postgres.copy.before", "postgres.copy.made", "postgres.swap.renamed", "process.intent_recorded", "process.forked",
    "files.write.intent_recorded", "files.write.written", "recovery.set_aside.exported",
)  # fmt: skip
# A rollback from the dump of before the change: it is restored beside while the service runs.
DUMP_STEPS = (*(step for step in STEPS if step != "copy"), "load", "compare")
DUMP_INSIDE = (*INSIDE[2:], "postgres.restore.created", "postgres.restore.loaded")
RESTORE_STEPS = ("preflight", "load", "check", "place")
RESTORE_INSIDE = ("postgres.restore.created", "postgres.restore.loaded")
FINISHED_WITHIN_S = 90.0
RETRIES = 3


@dataclass
class Turn:
    """What was done and what came of it. ``wrong`` is empty when everything held."""

    number: int
    kind: str
    victim: str = "nobody"
    place: str = ""
    reached: bool = False
    seconds: float = 0.0
    plan_seconds: float = 0.0
    takeovers: int = 0
    retries: int = 0
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Deed:
    """What is killed in a turn, and where: at a named place, or after so many seconds."""

    victim: str
    point: str
    after_s: float

    @property
    def place(self) -> str:
        return self.point or f"after {self.after_s:.2f} s"


def chosen(rng: random.Random, steps: tuple[str, ...], inside: tuple[str, ...], usual_s: float) -> Deed:
    """The seed decides: half at the boundary of a step, a quarter inside one, a quarter at any moment."""
    victim = rng.choices(list(VICTIMS), list(VICTIMS.values()))[0]
    around = rng.choice(("check:before", "check:after", "receipt:before", "receipt:after"))
    boundary = f"{around}:{rng.choice(steps)}"
    point = rng.choices((boundary, rng.choice(inside) if inside else "", ""), (50, 25, 25))[0]
    return Deed(victim, "" if victim == "nobody" else point, rng.uniform(0.0, usual_s))


class Chaos:
    """Carries deeds out on a town while a plan runs."""

    def __init__(self, town: Town, rng: random.Random) -> None:
        self.town, self.rng = town, rng
        self.caller = ThreadPoolExecutor(max_workers=1, thread_name_prefix="person")

    def run(self, turn: Turn, deed: Deed, start: Any) -> str:
        """Start a plan and do the deed meanwhile; returns the plan's id once it has ended.

        Raises:
            Stuck: it has not ended in time.
        """
        town = self.town
        turn.victim, turn.place = deed.victim, deed.place if deed.victim != "nobody" else ""
        if deed.point:
            town.arm(deed.point)
        began = time.monotonic()
        asked: Future[str] = self.caller.submit(start)
        pending = deed.victim != "nobody"
        run, state = "", ""
        while time.monotonic() - began < FINISHED_WITHIN_S:
            if pending and self._due(deed, began):
                pending, turn.reached = False, True
                self._do(deed)
            if not run and asked.done():
                run = asked.result()
            if run:
                state = self._state(run)
                if state in ("succeeded", "failed", "cancelled"):
                    break
            time.sleep(0.02)
        town.let_go()
        self._continue_stopped()
        if not run:
            run = asked.result(timeout=60)
        if state not in ("succeeded", "failed", "cancelled"):
            raise Stuck(f"plan {run} is {state or 'unknown'} after {FINISHED_WITHIN_S:g} s")
        return run

    def _due(self, deed: Deed, began: float) -> bool:
        if deed.point:
            return self.town.reached(deed.point) is not None
        return time.monotonic() - began >= deed.after_s

    def _do(self, deed: Deed) -> None:
        town = self.town
        stands = town.reached(deed.point) if deed.point else self._holder()
        if deed.victim == "worker":
            if stands:
                town.kill_worker(stands)
        elif deed.victim == "worker stopped and continued":
            if stands and stands in town.workers.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(stands, signal.SIGSTOP)
                self._stopped = stands
        elif deed.victim == "worker and Bonança's PostgreSQL":
            town.cluster.kill()
            if stands:
                town.kill_worker(stands)
        elif deed.victim == "Bonança's PostgreSQL":
            town.cluster.kill()
        elif deed.victim == "the service's PostgreSQL":
            town.kiosk.cluster.kill()
        else:
            town.kill(self.rng.choice(WEBS) if deed.victim == "web" else deed.victim)
        town.let_go()
        if "PostgreSQL" in deed.victim:
            time.sleep(self.rng.uniform(0.0, 1.0))
            if "service" in deed.victim:
                town.kiosk.start_server()
            else:
                town.start_database()

    _stopped: int | None = None

    def _continue_stopped(self) -> None:
        if self._stopped is not None and host.process(self._stopped) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._stopped, signal.SIGCONT)
        self._stopped = None

    def _holder(self) -> int | None:
        """The worker that carries the newest plan out, or any."""
        with contextlib.suppress(psycopg.Error):
            found = self.town.query(
                "SELECT e.pid FROM durable_planrun r JOIN durable_executor e ON e.id = r.executor_id LIMIT 1"
            )
            if found:
                return int(found[0][0])
        return self.rng.choice(list(self.town.workers.values()))

    def _state(self, run: str) -> str:
        try:
            found = self.town.query("SELECT state FROM durable_planrun WHERE id = %s", run)
        except psycopg.Error:
            return ""
        return str(found[0][0]) if found else ""

    def finish(self, turn: Turn, run: str) -> None:
        """As a person would: retry a plan that failed, a few times; note what it said."""
        for _ in range(RETRIES):
            if self._settled(run) == "succeeded":
                return
            error = self.town.query("SELECT error FROM durable_planrun WHERE id = %s", run)[0][0]
            turn.errors.append(str(error)[:300])
            turn.retries += 1
            self.town.insist(lambda: self.town.person.post(f"plans/{run}/retry"), "retry")
            until = time.monotonic() + FINISHED_WITHIN_S
            while self._settled(run) not in ("succeeded", "failed"):
                if time.monotonic() > until:
                    raise Stuck(f"plan {run} is not finished after a retry")
                time.sleep(0.05)
        if self._settled(run) != "succeeded":
            turn.wrong.append(f"the plan failed for good: {turn.errors[-1]}")

    def _settled(self, run: str) -> str:
        return self.town.insist(lambda: self._state(run) or "", "the journal answers")


def approved(town: Town, propose: str, **wish: str) -> Any:
    """What a person does: ask for the preview, approve it, and learn which run that is."""

    def asked() -> str:
        plan = town.insist(lambda: town.person.post(propose, **wish), "a preview")
        with contextlib.suppress(CheckFailed):
            return str(
                town.insist(lambda: town.person.post(f"response-plans/{plan['id']}/approve"), "approval")["run_id"]
            )
        # The answer to the first approval was lost with the server; that it happened is written down.
        known = town.insist(lambda: town.person.get(f"response-plans/{plan['id']}"), "the plan")
        return str(known["run_id"] or "")

    def start() -> str:
        # A preview that was made while a server was away says so and cannot be approved: a person asks for another.
        deadline = time.monotonic() + 60
        while not (run := asked()):
            if time.monotonic() > deadline:
                raise Stuck(f"{propose}: no preview could be approved")
            time.sleep(0.2)
        return run

    return start


def restored(town: Town, backup: str, name: str) -> Any:
    """What a person does: ask for the preview of a restore beside the running database, and start it."""
    wish = {"service": "kiosk", "backup_id": backup, "mode": "beside", "into": name}

    def start() -> str:
        restore = town.insist(lambda: town.person.post("restores", **wish), "a preview")
        if restore["refused"]:
            # The server was away while it was looked at: look again, as a person would.
            time.sleep(0.5)
            return start()
        try:
            restore = town.insist(lambda: town.person.post(f"restores/{restore['id']}/start"), "the start")
        except CheckFailed:
            restore = town.insist(lambda: town.person.get(f"restores/{restore['id']}"), "the restore")
            if not restore["run_id"]:
                raise
        return str(restore["run_id"])

    return start
