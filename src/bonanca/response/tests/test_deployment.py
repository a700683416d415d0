"""Shipping: through open gates, or with a commander's reason; one at a time; all or nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from bonanca.catalog.spec import ConfigSpec
from bonanca.delivery import gates
from bonanca.delivery.operations.move_change import WrongChangeState
from bonanca.delivery.queries import get_change
from bonanca.durable.queries import get_run, list_runs
from bonanca.kernel import audit
from bonanca.kernel.errors import BonancaError, Invalid, NotAllowed, NotFound
from bonanca.response.operations.approve_plan import AnotherPlanRuns
from bonanca.response.operations.start_deployment import GateClosed, start_deployment
from bonanca.response.queries import plans
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens, together

pytestmark = pytest.mark.django_db


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error budget is spent."""
    monkeypatch.setattr(gates, "deploy_status", lambda service, now: SimpleNamespace(status="freeze"))


def ship(shop: Shop, change: Any, **facts: Any) -> Any:
    return start_deployment(change.id, **{"actor": shop.beto, "now": NOW, **facts})


def test_a_responder_ships_through_open_gates(shop: Shop) -> None:
    change = shop.propose()
    plan = ship(shop, change)
    assert (plan.kind, plan.state, plan.change_id, plan.title) == ("deployment", "running", change.id, "Release v2")
    assert (plan.preview.code_from, plan.preview.code_to) == (shop.sha("v1"), shop.sha("v2"))
    run = get_run(plan.run_id)
    assert run.steps[0].kind == "recovery.pin"
    after = get_change(change.id)
    assert (after.state, after.run_id, after.gates_overridden) == ("deploying", run.id, "")
    assert [len(events(f"{name}")) for name in ("response.plan.approved", "delivery.change.deploying")] == [1, 1]


def test_a_closed_gate_stops_it_in_words(shop: Shop, frozen: None) -> None:
    change = shop.propose()
    with pytest.raises(GateClosed, match="error budget is spent"):
        ship(shop, change)
    assert (plans(), list_runs(), get_change(change.id).state) == ((), (), "proposed")
    assert events("delivery.change.deploying") == []


def test_a_commander_goes_through_with_a_reason_that_is_kept(shop: Shop, frozen: None) -> None:
    change = shop.propose()
    with pytest.raises(NotAllowed):
        ship(shop, change, override_reason="I want to")
    assert plans() == ()
    with pytest.raises(Invalid) as refused:
        ship(shop, change, override_reason="x" * 501, actor=shop.ana)
    assert refused.value.field == "override_reason"
    ship(shop, change, override_reason=" it mends the failure ", actor=shop.ana)
    assert get_change(change.id).gates_overridden == "it mends the failure"
    assert not get_change(change.id).gates_passed
    sealed = audit.history(f"change:{change.id}")[-1]
    assert (sealed.actor, sealed.facts["gates_overridden"]) == ("person:ana@loja.example", "it mends the failure")


def test_a_reason_that_nobody_needed_is_not_kept(shop: Shop) -> None:
    change = shop.propose()
    ship(shop, change, override_reason="just in case")
    assert get_change(change.id).gates_overridden == ""


def test_outsiders_and_unknown_changes_are_refused(shop: Shop) -> None:
    change = shop.propose()
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                ship(shop, change, actor=outsider)
        with pytest.raises(NotFound):
            start_deployment(uuid4(), actor=shop.beto, now=NOW)


def test_a_change_is_shipped_once_and_beside_no_other(shop: Shop) -> None:
    change, other = shop.propose("v2"), shop.propose("v3")
    ship(shop, change)
    with nothing_happens():
        with pytest.raises(WrongChangeState):
            ship(shop, change)
        with pytest.raises(AnotherPlanRuns):
            ship(shop, other)


def test_a_second_change_pins_what_the_first_one_brought(shop: Shop) -> None:
    assert shop.service.root is not None
    (shop.service.root / "current").unlink()
    shop.propose("v1")
    second = shop.propose("v2")
    assert second.from_sha == ""
    # Another one went out first: there is something to protect now.
    shop.release("v1")
    plan = ship(shop, second)
    assert plan.preview.code_from == shop.sha("v1")
    assert plan.preview.steps[0].kind == "recovery.pin"


def test_a_service_that_cannot_be_deployed_leaves_no_plan(shop: Shop) -> None:
    change = shop.propose()
    shop.declare(config=ConfigSpec(shop.folder / "var" / "loja.toml", "nowhere.toml"))
    with pytest.raises(BonancaError, match=r"nowhere\.toml"):
        ship(shop, change)
    assert (plans(), list_runs(), get_change(change.id).state) == ((), (), "proposed")


@pytest.mark.django_db(transaction=True)
def test_two_who_ship_at_once_ship_one(shop: Shop) -> None:
    change, other = shop.propose("v2"), shop.propose("v3")
    outcomes = together(*(lambda c=c: ship(shop, c) for c in (change, change, other)))
    names = [type(outcome).__name__ for outcome in outcomes]
    assert names.count("ProposedPlanView") == 1
    assert set(names) <= {"ProposedPlanView", "AnotherPlanRuns", "AnotherDeployment", "WrongChangeState", "NotWaiting"}
    assert len(plans()) == len(list_runs()) == len(events("delivery.change.deploying")) == 1
