"""`make bench` runs at a small scale and leaves its report; what it measures there is nobody's concern."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measures import Aim, Chapter, Lap, Measured, in_turns
from bench.peers import newest_server, pgbackrest_version
from bench.report import Report
from tests.support.postgres_of import programs_of

ROOT = Path(__file__).resolve().parents[2]


def test_a_small_run_measures_us_beside_the_peers_and_writes_its_report(tmp_path: Path) -> None:
    version = pgbackrest_version()
    if version is None or programs_of(*range(newest_server(version), 14, -1)) is None:
        pytest.skip("pgBackRest and a PostgreSQL that it knows are missing: scripts/test-needs installs them")
    argv = [sys.executable, "-m", "bench", "--scale", "1", "--rounds", "1", "--only", "backups", "restores"]
    done = subprocess.run(
        [*argv, "--report", tmp_path], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (page,), (facts,) = tmp_path.glob("*.md"), tmp_path.glob("*.json")
    found = json.loads(facts.read_text())
    assert [chapter["title"] for chapter in found["chapters"]] == ["Backups", "Restores"]
    assert all(one["median"] > 0 for chapter in found["chapters"] for one in chapter["measured"])
    assert {aim["met"] for chapter in found["chapters"] for aim in chapter["aims"]} <= {True, False}
    assert "pgBackRest restore" in page.read_text()


def test_contenders_take_turns_and_the_first_one_changes() -> None:
    order: list[str] = []
    measured = in_turns({"a": lambda lap: order.append("a"), "b": lambda lap: order.append("b")}, 2, lambda line: None)
    assert order == ["a", "b", "b", "a"]
    assert [len(one.seconds) for one in measured] == [2, 2]


def test_time_stops_when_a_contender_says_so() -> None:
    lap = Lap(began=0.0)
    lap.done()
    first = lap.seconds
    lap.done()
    assert lap.seconds == first


def test_a_report_says_which_aim_is_missed_and_which_was_not_tried() -> None:
    chapter = Chapter(
        "Backups",
        "What is measured.",
        [Measured("ours", [3.0, 1.0, 2.0], [{}] * 3), Measured("theirs", [1.0], [{"MB": 4}])],
        (Aim("twice as long", "ours", 2.0, "theirs"), Aim("one", "ours", 1.5), Aim("nobody", "ours", 1.0, "missing")),
    )
    report = Report(1, 3, 7, {"pgBackRest": "2.45"})
    report.add(chapter)
    assert [aim["met"] for aim in chapter.to_json()["aims"]] == [True, False, None]
    page = report.to_markdown()
    assert "| ours | 2.00 | 1.00 | 3.00 |" in page
    assert "**no**" in page
    assert "not run" in page
