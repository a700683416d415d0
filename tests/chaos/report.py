"""The report: what was done on which machine, and whether everything held."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from bonanca.actuators.postgres.binaries import pg_bin
from tests.chaos.turns import Turn


@dataclass
class Report:
    """Grows turn by turn, and is written after each hundred and at the end, so that an interrupted run leaves one."""

    seed: int
    asked: dict[str, int]
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    turns: list[Turn] = field(default_factory=list)
    orders: int = 0
    restarts: int = 0
    ended: str = "interrupted"
    # What earlier runs did that this one goes on from; their turns stand before its own.
    parts: list[dict[str, Any]] = field(default_factory=list)
    resumed: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def wrong(self) -> list[Turn]:
        return [turn for turn in self.turns if turn.wrong]

    @classmethod
    def after(cls, earlier: Path, asked: dict[str, int]) -> Report:
        """Return the report of a run that goes on where an earlier one ended."""
        facts = json.loads(earlier.read_text())
        parts = facts["parts"]
        turns = [Turn(**turn) for turn in facts["turns"]]
        return cls(facts["seed"], asked, datetime.fromisoformat(facts["began"]), turns, parts=parts)

    @property
    def own_turns(self) -> int:
        """How many turns this run has done itself."""
        return len(self.turns) - sum(sum(part["counts"].values()) for part in self.parts)

    def _part(self) -> dict[str, Any]:
        own = self.turns[len(self.turns) - self.own_turns :]
        return {
            "commit": commit(),
            "seconds": round((datetime.now(UTC) - self.resumed).total_seconds(), 1),
            "ended": self.ended,
            "counts": dict(Counter(turn.kind for turn in own)),
            "acknowledged_orders": self.orders,
            "processes_started_again": self.restarts,
        }

    def to_json(self) -> dict[str, Any]:
        parts = [*self.parts, self._part()]
        return {
            "seed": self.seed,
            "asked": self.asked,
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": round(sum(part["seconds"] for part in parts), 1),
            "ended": self.ended,
            "machine": machine(),
            "counts": dict(Counter(turn.kind for turn in self.turns)),
            "killed": dict(Counter(turn.victim for turn in self.turns if turn.reached)),
            "held": not self.wrong,
            "wrong": len(self.wrong),
            "failed_and_retried": sum(turn.retries > 0 for turn in self.turns),
            "takeovers": sum(turn.takeovers for turn in self.turns),
            "acknowledged_orders": sum(part["acknowledged_orders"] for part in parts),
            "processes_started_again": sum(part["processes_started_again"] for part in parts),
            "parts": parts,
            "plan_seconds": {kind: self._seconds(kind) for kind in sorted({turn.kind for turn in self.turns})},
            "turns": [turn.to_json() for turn in self.turns],
        }

    def _seconds(self, kind: str) -> dict[str, float]:
        found = sorted(turn.plan_seconds for turn in self.turns if turn.kind == kind)
        calm = sorted(turn.plan_seconds for turn in self.turns if turn.kind == kind and not turn.reached)
        p95 = found[min(len(found) - 1, int(len(found) * 0.95))]
        return {
            "median": round(statistics.median(found), 2),
            "p95": round(p95, 2),
            "longest": round(found[-1], 2),
            "median_undisturbed": round(statistics.median(calm), 2) if calm else 0.0,
        }

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"chaos-{self.began:%Y-%m-%d}-seed-{self.seed}"
        (folder / f"{name}.json").write_text(json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n")
        page = folder / f"{name}.md"
        page.write_text(self.markdown())
        return page

    def markdown(self) -> str:
        facts = self.to_json()
        counts, where = facts["counts"], facts["machine"]
        lines = [
            f"# Chaos of {self.began:%Y-%m-%d}, seed {self.seed}",
            "",
            f"**{'Everything held' if facts['held'] else str(facts['wrong']) + ' turns did not hold'}**: "
            + ", ".join(f"{count} × {kind}" for kind, count in counts.items())
            + f" in {facts['seconds'] / 60:.1f} minutes ({self.ended}).",
            "",
            f"Machine: {where['system']}, {where['cpus']} CPUs shared with other work, {where['memory_gib']} GiB, "
            f"Python {where['python']}, PostgreSQL {where['postgresql']} with fsync off (SIGKILL does not need it). "
            f"Again: `make chaos ARGS='--seed {self.seed} --rollbacks {self.asked['rollbacks']} "
            f"--restores {self.asked['restores']}'`.",
            "",
            f"{facts['acknowledged_orders']} orders were acknowledged while all this went on; none is gone or counted "
            "twice."
            if facts["held"]
            else f"{facts['acknowledged_orders']} orders were acknowledged.",
            f"Workers took over {facts['takeovers']} plans; {facts['failed_and_retried']} plans failed, said why and "
            f"were retried by a person's call; {facts['processes_started_again']} processes were started again.",
            "",
            "| killed (SIGKILL unless said) | turns | did not hold | failed and retried |",
            "|---|---|---|---|",
        ]
        for victim in sorted({turn.victim for turn in self.turns}):
            those = [turn for turn in self.turns if turn.victim == victim and (turn.reached or victim == "nobody")]
            lines.append(
                f"| {victim} | {len(those)} | {sum(bool(turn.wrong) for turn in those)} "
                f"| {sum(turn.retries > 0 for turn in those)} |"
            )
        missed = sum(not turn.reached and turn.victim != "nobody" for turn in self.turns)
        lines += [f"| place not passed in that turn, nobody killed | {missed} | | |", ""]
        lines += ["| seconds of a plan | median | 95 % | longest | median undisturbed |", "|---|---|---|---|---|"]
        for kind, took in facts["plan_seconds"].items():
            lines.append(
                f"| {kind} | {took['median']} | {took['p95']} | {took['longest']} | {took['median_undisturbed']} |"
            )
        lines += self._parts(facts["parts"]) + self._places() + self._wrong() + self._failures()
        return "\n".join(lines) + "\n"

    def _parts(self, parts: list[dict[str, Any]]) -> list[str]:
        rows = [
            f"| {part['commit']} | {', '.join(f'{n} × {kind}' for kind, n in part['counts'].items())} "
            f"| {part['seconds'] / 60:.1f} | {part['ended']} |"
            for part in parts
        ]
        return ["", "| part at commit | turns | minutes | ended |", "|---|---|---|---|", *rows]

    def _places(self) -> list[str]:
        at = Counter(turn.place.rpartition(":")[0] or "inside a step" for turn in self.turns
                     if turn.reached and turn.place and not turn.place.startswith("after "))  # fmt: skip
        at["any moment"] = sum(turn.reached and turn.place.startswith("after ") for turn in self.turns)
        rows = [f"| {place} | {count} |" for place, count in sorted(at.items())]
        return ["", "| where | kills |", "|---|---|", *rows]

    def _wrong(self) -> list[str]:
        if not self.wrong:
            return []
        rows = [f"- turn {t.number}, {t.kind}, {t.victim}, {t.place}: {'; '.join(t.wrong)}" for t in self.wrong]
        return ["", "## What did not hold", "", *rows]

    def _failures(self) -> list[str]:
        said = Counter(error for turn in self.turns for error in turn.errors)
        if not said:
            return []
        rows = [f"- {count} ×: {error}" for error, count in said.most_common(20)]
        return ["", "## What plans said that failed and were retried", "", *rows]


def commit() -> str:
    """Return the commit whose code runs, with a mark when the tree differs from it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=9"], capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def machine() -> dict[str, Any]:
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "python": platform.python_version(),
        "postgresql": _server_version(),
        "psycopg": psycopg.__version__,
    }


def _server_version() -> str:
    done = subprocess.run([str(pg_bin("postgres")), "--version"], capture_output=True, text=True, check=False)
    return done.stdout.split()[-1] if done.stdout else "?"
