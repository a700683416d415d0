"""A short storm of `make chaos` from a fixed seed: real processes, killed in the middle of rollbacks and a restore."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.report import Report
from tests.chaos.storm import Wishes, storm
from tests.chaos.turns import Turn


def test_a_short_storm_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = storm(tmp_path / "town", Wishes(seed=7, rollbacks=2, restores=1), say=print)
    assert (report.ended, [turn.to_json() for turn in report.wrong]) == ("complete", [])
    facts = report.to_json()
    assert facts["counts"] == {"rollback": 2, "undo": 2, "restore": 1}
    assert sum(facts["killed"].values()) >= 3
    assert facts["acknowledged_orders"] > 0
    page = report.write(tmp_path / "report")
    assert "Everything held" in page.read_text()


def test_a_run_that_was_interrupted_is_gone_on_with(tmp_path: Path) -> None:
    earlier = Report(7, {"rollbacks": 9, "restores": 1}, orders=40, restarts=3)
    earlier.turns = [Turn(n, kind, plan_seconds=1.0, seconds=1.0) for n, kind in enumerate(("rollback", "undo"), 1)]
    earlier.write(tmp_path)
    [kept] = tmp_path.glob("*.json")
    later = Report.after(kept, {"rollbacks": 9, "restores": 1})
    later.turns.append(Turn(3, "restore", plan_seconds=2.0, seconds=2.0))
    later.orders, later.restarts, later.ended = 2, 1, "complete"
    facts = later.to_json()
    assert (facts["seed"], facts["counts"]) == (7, {"rollback": 1, "undo": 1, "restore": 1})
    assert (facts["acknowledged_orders"], facts["processes_started_again"]) == (42, 4)
    assert [part["counts"] for part in facts["parts"]] == [{"rollback": 1, "undo": 1}, {"restore": 1}]
    assert later.write(tmp_path).with_suffix(".json") == kept
