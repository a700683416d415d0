"""A short storm of `make chaos` from a fixed seed: real processes, killed in the middle of rollbacks and a restore."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.storm import Wishes, storm


def test_a_short_storm_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = storm(tmp_path / "town", Wishes(seed=7, rollbacks=2, restores=1), say=print)
    assert (report.ended, [turn.to_json() for turn in report.wrong]) == ("complete", [])
    facts = report.to_json()
    assert facts["counts"] == {"rollback": 2, "undo": 2, "restore": 1}
    assert sum(facts["killed"].values()) >= 3
    assert facts["acknowledged_orders"] > 0
    page = report.write(tmp_path / "report")
    assert "Everything held" in page.read_text()
