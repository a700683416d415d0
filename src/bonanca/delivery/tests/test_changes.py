"""A change is written down before it is shipped, and goes its way one state at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bonanca.catalog.spec import RepositorySpec
from bonanca.delivery import queries
from bonanca.delivery.operations.evaluate_gates import evaluate_gates
from bonanca.delivery.operations.move_change import (
    AnotherDeployment,
    WrongChangeState,
    mark_deployed,
    mark_deploying,
    mark_failed,
    mark_rolled_back,
)
from bonanca.delivery.state import TRANSITIONS, ChangeState
from bonanca.kernel import audit
from bonanca.kernel.errors import BonancaError, Invalid, NotAllowed, NotFound
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens, together

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=1)


def deploying(shop: Shop, change: queries.ChangeView, **facts: Any) -> queries.ChangeView:
    return mark_deploying(change.id, **{"run_id": uuid4(), "actor": shop.beto, "now": LATER, **facts})


def test_a_change_names_what_runs_and_what_shall_run(shop: Shop) -> None:
    change = shop.propose("v2", title=" Customer week ")
    assert (change.label, change.title, change.state) == ("CHG-1", "Customer week", "proposed")
    assert (change.from_sha, change.to_sha) == (shop.sha("v1"), shop.sha("v2"))
    assert [gate.name for gate in change.gates] == ["budget", "previous_version", "backup"]
    assert change.gates_passed
    assert (queries.by_number(1), queries.get_change(change.id)) == (change, change)
    [event] = events("delivery.change.proposed")
    assert (event["change_id"], event["version"]) == (str(change.id), "v2")
    [sealed] = audit.history(f"change:{change.id}")
    assert (sealed.actor, sealed.facts["to"]) == ("person:beto@loja.example", shop.sha("v2"))


def test_without_a_title_it_says_what_it_does(shop: Shop) -> None:
    assert shop.propose("v2", title=" ").title == "Loja v2"


def test_a_branch_or_a_commit_is_a_version_too(shop: Shop) -> None:
    assert shop.propose("main").to_sha == shop.sha("v3")
    assert shop.propose(shop.sha("v2")[:10]).to_sha == shop.sha("v2")


def test_the_first_deployment_has_nothing_to_go_back_to(shop: Shop) -> None:
    assert shop.service.root is not None
    (shop.service.root / "current").unlink()
    change = shop.propose("v1")
    assert (change.from_sha, change.gates_passed) == ("", True)
    assert queries.contents(change) is None


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"version": "v1"}, "version"),
        ({"version": "v9"}, "ref"),
        ({"version": "--all"}, "ref"),
        ({"version": "v1 ; rm -rf /"}, "ref"),
        ({"version": "v" * 101}, "version"),
        ({"title": "x" * 201}, "title"),
        ({"service": "nowhere"}, "service"),
        ({"service": "estoque-api", "actor": None}, "service"),
    ],
)
def test_what_cannot_be_shipped_is_refused_by_field(shop: Shop, facts: dict[str, Any], field: str) -> None:
    if "actor" in facts:
        facts = {**facts, "actor": shop.ana}
    with nothing_happens(), pytest.raises(BonancaError) as refused:
        shop.propose(**{"version": "v2", **facts})
    assert refused.value.field == field
    assert isinstance(refused.value, Invalid | NotFound)


def test_a_repository_that_is_gone_is_said(shop: Shop) -> None:
    shop.declare(repository=RepositorySpec("/nowhere/loja.git"))
    with nothing_happens(), pytest.raises(NotFound, match=r"/nowhere/loja\.git"):
        shop.propose()


def test_outsiders_ship_nothing(shop: Shop) -> None:
    change = shop.propose()
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                shop.propose(actor=outsider)
            with pytest.raises(NotAllowed):
                evaluate_gates(change.id, actor=outsider, now=LATER)
            with pytest.raises(NotAllowed):
                deploying(shop, change, actor=outsider)


def test_a_change_goes_out_and_back_and_out_again(shop: Shop) -> None:
    change, run = shop.propose(), uuid4()
    out = deploying(shop, change, run_id=run, overridden="the director said so")
    assert (out.state, out.run_id, out.deploying_at) == ("deploying", run, LATER)
    assert out.gates_overridden == "the director said so"
    assert queries.change_of_run(run) == out
    done = mark_deployed(change.id, actor=shop.beto, now=LATER)
    assert (done.state, done.finished_at) == ("deployed", LATER)
    assert queries.last_change("loja-api") == done
    assert mark_rolled_back(change.id, actor=shop.beto, now=LATER).state == "rolled_back"
    assert mark_deployed(change.id, actor=shop.beto, now=LATER).state == "deployed"
    told = [len(events(f"delivery.change.{name}")) for name in ("deploying", "deployed", "rolled_back", "failed")]
    assert told == [1, 2, 1, 0]


def test_a_failed_deployment_is_mended_or_taken_back_but_not_started_anew(shop: Shop) -> None:
    change = deploying(shop, shop.propose())
    mark_failed(change.id, actor=shop.beto, now=LATER)
    # Its pin says what ran before; a new start would pin the half-made state over it.
    with nothing_happens(), pytest.raises(WrongChangeState):
        deploying(shop, change)
    assert mark_deployed(change.id, actor=shop.beto, now=LATER).state == "deployed"


def test_no_state_is_left_out_and_none_is_skipped(shop: Shop) -> None:
    change = shop.propose()
    assert set(TRANSITIONS) == set(ChangeState)
    with nothing_happens():
        for move in (mark_deployed, mark_failed, mark_rolled_back):
            with pytest.raises(WrongChangeState, match="CHG-1 is proposed"):
                move(change.id, actor=shop.beto, now=LATER)
            with pytest.raises(NotFound):
                move(uuid4(), actor=shop.beto, now=LATER)


def test_one_deployment_of_a_service_at_a_time(shop: Shop) -> None:
    first, second = shop.propose("v2"), shop.propose("v3")
    deploying(shop, first)
    with nothing_happens(), pytest.raises(AnotherDeployment):
        deploying(shop, second)


def test_what_a_change_brings(shop: Shop) -> None:
    brought = queries.contents(shop.propose("v3"))
    assert brought is not None
    assert [commit.subject for commit in brought.commits] == ["Version v3", "Version v2"]
    assert [file.path for file in brought.stat.files] == ["app.py", "deploy/loja.toml"]
    assert "+VERSION = 'v3'" in brought.diff.text


def test_changes_are_listed_newest_first(shop: Shop) -> None:
    shop.propose("v2")
    shop.propose("v3")
    assert [change.version for change in queries.recent_changes(service="loja-api")] == ["v3", "v2"]
    assert queries.recent_changes(service="estoque-api") == ()
    assert queries.last_change("loja-api") is None
    with pytest.raises(NotFound):
        queries.by_number(9)


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_however_many_propose_at_once(shop: Shop) -> None:
    found = together(*(lambda: shop.propose("v2") for _ in range(4)))
    assert sorted(change.number for change in found) == [1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_two_who_deploy_at_once_deploy_one(shop: Shop) -> None:
    same, other = shop.propose("v2"), shop.propose("v3")
    outcomes = together(*(lambda c=c: deploying(shop, c) for c in (same, same, other)))
    names = sorted(type(outcome).__name__ for outcome in outcomes)
    assert names.count("ChangeView") == 1
    assert set(names) <= {"ChangeView", "AnotherDeployment", "WrongChangeState"}
    assert len(events("delivery.change.deploying")) == 1
