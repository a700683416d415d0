"""The gate of the restored backup: what it lets through, and what it says of the objective."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.utils import translation

from bonanca.catalog.spec import BackupSpec, DatabaseSpec, DrillSpec, ServiceView
from bonanca.delivery.gates import Candidate, GateResult
from bonanca.response import gates

NOW = datetime(2026, 3, 12, 14, 30, tzinfo=UTC)


def ask(monkeypatch: pytest.MonkeyPatch, *, hours: float, seconds: float, drill: DrillSpec | None) -> GateResult:
    found = SimpleNamespace(verified_at=NOW - timedelta(hours=hours), restore_seconds=seconds)
    monkeypatch.setattr(gates, "latest_verified_backup", lambda service: found)
    service = ServiceView(
        slug="loja-api",
        name="Loja",
        team_slug="loja",
        database=DatabaseSpec(Path("dsn"), "loja"),
        backup=BackupSpec(every_h=24, replicas=("/a",), drill=drill),
    )
    return gates.restored_backup(Candidate(service, "b", "a"), NOW)


@pytest.mark.parametrize(
    ("hours", "seconds", "drill", "passed", "words"),
    [
        (1, 3, None, True, "A backup was restored and checked 1 h 00 min ago"),
        (1, 3, DrillSpec(rto_s=60), True, "A backup was restored and checked 1 h 00 min ago, in 3 s of the 1 min 00 s"),
        (1, 90, DrillSpec(rto_s=60), True, "ago, in 1 min 30 s; the objective is 1 min 00 s"),
        (25, 3, DrillSpec(rto_s=60), False, "The last backup that was restored and checked is 1 d 1 h old"),
    ],
)
def test_it_says_how_the_restore_stands_to_the_objective(
    monkeypatch: pytest.MonkeyPatch, hours: float, seconds: float, drill: DrillSpec | None, passed: bool, words: str
) -> None:
    answer = ask(monkeypatch, hours=hours, seconds=seconds, drill=drill)
    with translation.override("en"):
        assert words in answer.words
    assert answer.passed is passed
