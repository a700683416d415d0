"""`make bench`: Bonança beside pgBackRest and PostgreSQL's own tools, on one database, in one run."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from bench import copying, going_back, plans
from bench.ground import Ground
from bench.measures import Chapter
from bench.peers import newest_server, pgbackrest_version
from bench.report import Report
from bonanca.actuators.postgres.binaries import pg_bin_of
from tests.support.postgres_of import programs_of

CHAPTERS = ("backups", "restores", "overhead", "resume", "rollback")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--scale", type=int, default=100, help="pgbench's: 100 is a database of 1.5 GB (100)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender does its work (3)")
    parser.add_argument("--seed", type=int, default=1, help="of pgbench's transactions (1)")
    parser.add_argument("--only", nargs="+", choices=CHAPTERS, default=CHAPTERS, help="what to run (everything)")
    parser.add_argument("--report", type=Path, default=Path("build/bench"), help="folder of the report")
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    version = pgbackrest_version()
    if version is None:
        print("pgBackRest is missing: scripts/test-needs installs it", file=sys.stderr)
        return 2
    # The newest server that both sides can back up.
    major = programs_of(*range(newest_server(version), 14, -1))
    if major is None:
        print(
            f"No PostgreSQL from 15 to {newest_server(version)} is here, and pgBackRest knows no newer one",
            file=sys.stderr,
        )
        return 2
    folder = Path(tempfile.mkdtemp(prefix="bonanca-bench-"))
    try:
        return _run(given, folder, major, version)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(given: argparse.Namespace, folder: Path, major: int, version: tuple[int, int]) -> int:
    said = subprocess.run([pg_bin_of(major, "postgres"), "--version"], capture_output=True, text=True, check=True)
    versions = {
        "PostgreSQL of the service": said.stdout.split()[2],
        "pgBackRest": f"{version[0]}.{version[1]}",
    }
    report = Report(given.scale, given.rounds, given.seed, versions)
    ground = Ground(folder / "ground", major, given.scale, given.seed)
    try:
        if set(given.only) - {"rollback"}:
            ground.build()
            report.database_bytes = ground.bytes()
            _say(f"PostgreSQL {major}, a database of {report.database_bytes / 1e6:.0f} MB")
        makers: dict[str, Callable[[], Chapter]] = {
            "backups": lambda: copying.backups(ground, given.rounds, _say),
            "restores": lambda: copying.restores(ground, given.rounds, _say),
            "overhead": lambda: plans.overhead(ground, given.rounds, _say),
            "resume": lambda: plans.resume(ground, given.rounds, _say),
            "rollback": lambda: going_back.going_back(
                folder / "town", major, given.scale, given.seed, given.rounds, _say
            ),
        }
        for name in CHAPTERS:
            if name in given.only:
                _say(f"== {name}")
                if name == "rollback":
                    ground.close()
                    copying.tidy(ground)
                report.add(makers[name]())
                page = report.write(given.report)
    finally:
        ground.close()
    print(report.to_markdown())
    print(f"report: {page}")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
