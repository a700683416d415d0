"""Gates: every one is asked, at the moment of the answer, and what they said stays with the change."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bonanca.delivery import gates
from bonanca.delivery.gates import Candidate, GateResult, evaluate, gate
from bonanca.delivery.operations.evaluate_gates import evaluate_gates
from bonanca.delivery.operations.move_change import WrongChangeState
from tests.support.loja import NOW, Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def status(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the error budgets allow."""
    said = {"status": "normal"}
    monkeypatch.setattr(gates, "deploy_status", lambda service, now: SimpleNamespace(**said))
    return said


@pytest.mark.parametrize(
    ("allowed", "passed"), [("normal", True), ("caution", True), ("warning", True), ("freeze", False)]
)
def test_only_a_spent_budget_closes_the_gate(shop: Shop, status: dict[str, str], allowed: str, passed: bool) -> None:
    status["status"] = allowed
    budget = shop.propose().gates[0]
    assert (budget.name, budget.passed, budget.facts) == ("budget", passed, {"status": allowed})
    assert budget.words.endswith(f"deploy status {allowed.capitalize()}")


def test_gates_are_asked_again_and_keep_their_new_answers(shop: Shop, status: dict[str, str]) -> None:
    change = shop.propose()
    status["status"] = "freeze"
    again = evaluate_gates(change.id, actor=shop.beto, now=LATER)
    assert (again.gates_passed, again.gates_at) == (False, LATER)
    status["status"] = "normal"
    assert evaluate_gates(change.id, actor=shop.beto, now=LATER).gates_passed


def test_where_it_would_go_back_to_is_looked_up_again(shop: Shop) -> None:
    assert shop.service.root is not None
    (shop.service.root / "current").unlink()
    change = shop.propose("v2")
    assert change.from_sha == ""
    shop.release("v1")
    again = evaluate_gates(change.id, actor=shop.beto, now=LATER)
    assert again.from_sha == shop.sha("v1")
    assert again.gates[1].facts == {"sha": shop.sha("v1")[:12]}


def test_what_the_gates_said_of_a_change_that_went_out_is_evidence(shop: Shop, status: dict[str, str]) -> None:
    change = shop.deployed()
    status["status"] = "freeze"
    with nothing_happens(), pytest.raises(WrongChangeState):
        evaluate_gates(change.id, actor=shop.beto, now=LATER)


def test_a_room_above_hangs_its_gate_here(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "_GATES", {})

    @gate("moon")
    def full_moon(candidate: Candidate, now: datetime) -> GateResult:
        return GateResult("moon", False, "not at %(hour)s o'clock", {"hour": now.hour})

    [answer] = evaluate(Candidate(shop.service, shop.sha("v2"), ""), NOW)
    assert (answer.passed, answer.words) == (False, "not at 17 o'clock")


@pytest.fixture
def drilled(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The last backup that was restored and checked; None: never one."""
    from bonanca.response import gates as above

    said: dict[str, Any] = {"backup": None}
    monkeypatch.setattr(above, "latest_verified_backup", lambda service: said["backup"])
    return said


def test_a_backup_counts_when_it_was_restored_in_the_last_day(shop: Shop, drilled: dict[str, Any]) -> None:
    from bonanca.catalog.spec import DatabaseSpec

    assert shop.propose().gates[2].words == "The service has no database to back up"
    shop.declare(database=DatabaseSpec(shop.folder / "dsn", "loja"))
    never = shop.propose().gates[2]
    assert (never.passed, never.words) == (False, "No backup of this service was ever restored and checked")
    drilled["backup"] = SimpleNamespace(verified_at=NOW - timedelta(hours=23, minutes=30))
    fresh = shop.propose().gates[2]
    assert (fresh.passed, fresh.words) == (True, "A backup was restored and checked 23 h 30 min ago")
    drilled["backup"] = SimpleNamespace(verified_at=NOW - timedelta(hours=24, seconds=1))
    assert not shop.propose().gates[2].passed
