"""All turns of a run on one town: back and forth again and again, and a restore now and then."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos import checks
from tests.chaos.report import Report
from tests.chaos.town import Stuck, Town
from tests.chaos.turns import (
    DUMP_INSIDE,
    DUMP_STEPS,
    INSIDE,
    RESTORE_INSIDE,
    RESTORE_STEPS,
    STEPS,
    Chaos,
    Deed,
    Turn,
    approved,
    chosen,
    restored,
)

Say = Callable[[str], None]
WRITE_EVERY = 50
CHANGE = {"v1": "rolled_back", "v2": "deployed"}
"""How the change stands, of which version 2 is the outcome, while a version is out."""


@dataclass(frozen=True)
class Wishes:
    """What a run is to do; ``minutes`` ends it earlier."""

    seed: int
    rollbacks: int
    restores: int
    minutes: float | None = None
    report: Path | None = None
    after: Path | None = None


class Storm:
    """The state of a run."""

    def __init__(self, town: Town, wishes: Wishes, say: Say) -> None:
        self.town, self.wishes, self.say = town, wishes, say
        asked = {"rollbacks": wishes.rollbacks, "restores": wishes.restores}
        self.report = Report(wishes.seed, asked) if wishes.after is None else Report.after(wishes.after, asked)
        self.chaos = Chaos(town, random.Random(self.report.seed))
        self.usual_s = 3.0
        self.versions: dict[str, dict[str, str]] = {}
        self.backup = ""
        self.backed_up: set[str] = set()
        self.change = 0
        self.pin_databases: set[str] = set()

    def prepare(self, visitors: checks.Visitors) -> None:
        """Version 1 and then version 2 go out; a backup is taken. Nobody is killed yet."""
        person = self.town.person
        for version in ("v1", "v2"):
            change = person.post("changes", service="kiosk", version=version)
            started = person.post(f"changes/{change['number']}/deploy", override_reason="chaos")
            turn = Turn(0, "deployment")
            self.chaos.finish(turn, self.chaos.run(turn, Deed("nobody", "", 0), lambda plan=started: plan["run_id"]))
            self.versions[version] = self.town.kiosk.state()
            self.change = change["number"]
            if version == "v1":
                self._back_up(visitors)  # the dump that a rollback of version 2 can go back to
        assert self.versions["v1"] != self.versions["v2"]
        self.backup = self._back_up(visitors)
        self.pin_databases = set(self.town.kiosk.databases())

    def _back_up(self, visitors: checks.Visitors) -> str:
        with visitors.away():
            run = str(self.town.person.post("backups", service="kiosk", verify=False)["plan_id"])
            turn = Turn(0, "backup")
            self.chaos.finish(turn, self.chaos.run(turn, Deed("nobody", "", 0), lambda: run))
            self.backed_up = self.town.kiosk.keys()
        return str(self.town.person.get("backups", service="kiosk")[0]["id"])

    def back_and_forth(self, visitors: checks.Visitors) -> None:
        """A rollback and its undo."""
        propose, known = f"changes/{self.change}/rollback", self.versions
        # Every fourth goes back by the dump from before the change, the others by the pinned copy.
        before = sum(turn.kind == "rollback" for turn in self.report.turns)
        strategy = "logical" if before % 4 == 1 else "instant"
        plan = self._turn("rollback", propose, known["v1"], "v1", visitors, strategy=strategy)
        self._turn("undo", f"response-plans/{plan}/undo", known["v2"], "v2", visitors)
        # What was kept has been looked at; a run of hundreds would fill the disk with it.
        for database in set(self.town.kiosk.databases()) - self.pin_databases:
            self.town.kiosk.drop(database)

    def _turn(
        self, kind: str, propose: str, expected: dict[str, str], version: str, visitors: checks.Visitors, **wish: str
    ) -> str:
        turn = self._begun(kind)
        by_dump = wish.get("strategy") == "logical"
        steps, inside = (DUMP_STEPS, DUMP_INSIDE) if by_dump else (STEPS, INSIDE)
        deed = chosen(self.chaos.rng, tuple(reversed(steps)) if kind == "undo" else steps, inside, self.usual_s)
        run = self._carried_out(turn, deed, approved(self.town, propose, **wish))
        with visitors.away():
            turn.wrong += checks.settled(self.town)
            turn.wrong += checks.done_once(self.town, run)
            turn.wrong += checks.whole_version(self.town, expected, version)
            turn.wrong += checks.change_stands(self.town, self.change, CHANGE[version])
            turn.wrong += checks.nothing_lost(self.town, set(visitors.acknowledged), in_place=kind == "rollback")
            turn.wrong += checks.nothing_left_over(self.town, self.pin_databases)
            if kind == "undo":
                visitors.acknowledged = self.town.kiosk.keys()  # what is only in a kept database was counted
            plan = self.plan_of(run)
        self._ended(turn, run, visitors.total)
        return plan

    def restore(self) -> None:
        """A backup into a new database beside the running one, checked, and then dropped."""
        turn = self._begun("restore")
        deed = chosen(self.chaos.rng, RESTORE_STEPS, RESTORE_INSIDE, self.usual_s)
        name = f"kiosk_r{turn.number}"
        run = self._carried_out(turn, deed, restored(self.town, self.backup, name))
        turn.wrong += checks.settled(self.town)
        turn.wrong += checks.done_once(self.town, run)
        turn.wrong += checks.nothing_left_over(self.town, self.pin_databases | {name})
        turn.wrong += checks.restored_whole(self.town, name, self.versions["v2"], self.backed_up)
        self._ended(turn, run, 0)
        self.town.kiosk.drop(name)

    def _begun(self, kind: str) -> Turn:
        turn = Turn(len(self.report.turns) + 1, kind)
        self.report.turns.append(turn)
        # Each turn has its own: what a slower machine did not come to in one turn changes nothing of the next.
        self.chaos.rng = random.Random(f"{self.report.seed}:{turn.number}")
        self._clock = time.monotonic()
        return turn

    def _carried_out(self, turn: Turn, deed: Deed, start: Any) -> str:
        run = self.chaos.run(turn, deed, start)
        self.chaos.finish(turn, run)
        return run

    def plan_of(self, run: str) -> str:
        """The proposed plan of a run, once the house knows how it ended."""

        def look() -> str:
            found = self.town.query("SELECT id, state FROM response_proposedplan WHERE run_id = %s", run)
            if not found or found[0][1] == "running":
                raise Stuck("its outcome is not known to the house")
            return str(found[0][0])

        deadline = time.monotonic() + 30
        while True:
            try:
                return self.town.insist(look, "the proposed plan")
            except Stuck:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _ended(self, turn: Turn, run: str, orders: int) -> None:
        took, takeovers = self.town.query(
            "SELECT extract(epoch FROM finished_at - started_at)::float, takeovers FROM durable_planrun WHERE id = %s",
            run,
        )[0]
        turn.plan_seconds, turn.takeovers = round(took, 3), takeovers
        turn.seconds = round(time.monotonic() - self._clock, 2)
        self.report.orders = max(self.report.orders, orders)
        self.report.restarts = self.town.restarts
        where = f"{turn.victim}, {turn.place}" if turn.reached else "nobody killed"
        verdict = "; ".join(turn.wrong) or "held"
        self.say(f"{turn.number:5d} {turn.kind:9s} {turn.plan_seconds:6.2f} s  {verdict}  ({where})")


def storm(folder: Path, wishes: Wishes, *, say: Say) -> Report:
    """Carry a run out; what breaks it is in the report too."""
    with Town(folder) as town:
        run = Storm(town, wishes, say)
        report = run.report
        visitors = checks.Visitors(town)
        until = time.monotonic() + wishes.minutes * 60 if wishes.minutes else float("inf")
        try:
            run.prepare(visitors)
            say(f"seed {report.seed}: version 2 is out, a backup is taken; the storm begins")
            counts = {kind: sum(t.kind == kind for t in report.turns) for kind in ("rollback", "restore")}
            while counts["rollback"] < wishes.rollbacks or counts["restore"] < wishes.restores:
                if time.monotonic() > until:
                    report.ended = "its time was over"
                    break
                behind = counts["restore"] * wishes.rollbacks < counts["rollback"] * wishes.restores
                if counts["restore"] < wishes.restores and (behind or counts["rollback"] >= wishes.rollbacks):
                    counts["restore"] += 1
                    run.restore()
                else:
                    counts["rollback"] += 1
                    run.back_and_forth(visitors)
                if wishes.report is not None and sum(counts.values()) % WRITE_EVERY == 0:
                    report.write(wishes.report)
            else:
                report.ended = "complete"
        except (Stuck, AssertionError) as problem:
            turn = report.turns[-1] if report.turns else Turn(0, "preparation")
            turn.wrong.append(f"{type(problem).__name__}: {problem}")
            report.turns = report.turns or [turn]
            report.ended = "it could not go on"
            say(f"ended: {problem}")
        except KeyboardInterrupt:
            say("interrupted")
        finally:
            visitors.close()
            # A turn that was cut short says nothing.
            report.turns = [turn for turn in report.turns if turn.seconds or turn.wrong]
    return report
