"""Propose, approve, withdraw: what was previewed is what starts, once, by somebody who may."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import translation

from bonanca.delivery.queries import get_change
from bonanca.durable.queries import get_run, list_runs
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid, NotAllowed, NotFound
from bonanca.response.models import ProposedPlan
from bonanca.response.operations import draw_up_rollback as proposing
from bonanca.response.operations.approve_plan import (
    AnotherPlanRuns,
    ChecksFailed,
    NotWaiting,
    PreviewTooOld,
    approve_plan,
)
from bonanca.response.operations.draw_up_rollback import NothingPinned, NotOut
from bonanca.response.operations.propose_rollback import VALID_FOR
from bonanca.response.operations.withdraw_plan import withdraw_plan
from bonanca.response.queries import get_plan, plan_of_run, plans
from bonanca.response.tests.plans import LATER, carried_out, proposed
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens, together

pytestmark = pytest.mark.django_db


def files(folder: Path) -> dict[str, Any]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink()}


def test_a_preview_says_what_goes_back_where(shop: Shop) -> None:
    change = shop.deployed("v2")
    incident = shop.open()
    assert shop.service.config is not None
    with shop.service.config.file.open("a") as more:
        more.write("password = hush\n")
    before = files(shop.folder)
    plan = proposed(shop, change_id=change.id, incident_id=incident.id)
    assert (plan.kind, plan.title, plan.state) == ("rollback", "Loja back to before v2", "proposed")
    assert (plan.change_id, plan.incident_id, plan.expires_at) == (change.id, incident.id, LATER + VALID_FOR)
    shown = plan.preview
    assert (shown.code_from, shown.code_to) == (shop.sha("v2"), shop.sha("v1"))
    # Nothing was pinned of the configuration: going back would leave none.
    assert "-limit = 20\n-password = •••" in shown.config_diff
    assert shown.passed
    assert shown.rows_total == 0
    assert shown.expected_s > 15
    assert [step.key for step in shown.steps][:3] == ["criteria", "announce", "preflight"]
    assert files(shop.folder) == before
    assert list_runs() == ()
    assert plans(incident_id=incident.id) == plans(change_id=change.id) == plans(service="loja-api") == (plan,)
    assert [e.action for e in audit.history(f"response-plan:{plan.id}")] == ["response.plan.proposed"]


def test_what_cannot_be_taken_back_is_refused(shop: Shop) -> None:
    waiting, elsewhere = shop.propose("v3"), shop.open(service="estoque-api")
    with nothing_happens(), pytest.raises(NotOut, match="CHG-1 is proposed"):
        proposed(shop, change_id=waiting.id)
    change = shop.deployed("v2")
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                proposed(shop, change_id=change.id, actor=outsider)
        with pytest.raises(NotFound):
            proposed(shop, change_id=uuid4())
        with pytest.raises(NotFound):
            proposed(shop, change_id=change.id, incident_id=uuid4())
        with pytest.raises(Invalid) as refused:
            proposed(shop, change_id=change.id, incident_id=elsewhere.id)
    assert refused.value.field == "incident_id"


def test_without_a_pin_there_is_nothing_to_go_back_to(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    change = shop.deployed("v2")
    monkeypatch.setattr(proposing, "pin_of_change", lambda change_id: None)
    with nothing_happens(), pytest.raises(NothingPinned, match="CHG-1"):
        proposed(shop, change_id=change.id)


def test_a_commander_approves_and_exactly_this_starts(shop: Shop) -> None:
    plan = proposed(shop)
    running = approve_plan(plan.id, actor=shop.ana, now=LATER)
    assert (running.state, running.approved_by, running.approved_at) == ("running", "person:ana@loja.example", LATER)
    assert running.run_id is not None
    run = get_run(running.run_id)
    assert [(s.key, s.kind) for s in run.steps] == [(s.key, s.kind) for s in plan.preview.steps]
    assert (run.kind, run.subject, run.context["plan_id"]) == ("rollback", "service:loja-api", str(plan.id))
    assert plan_of_run(run.id) == running
    with translation.override("pt-br"):
        assert get_run(run.id).title == get_plan(plan.id).title == "Loja de volta a antes de v2"
    [event] = events("response.plan.approved")
    assert (event["plan_id"], event["actor"], event["kind"]) == (str(plan.id), "Ana Souza", "rollback")


def test_only_a_commander_approves(shop: Shop) -> None:
    plan = proposed(shop)
    with nothing_happens():
        for who in (shop.beto, *shop.outsiders):
            with pytest.raises(NotAllowed):
                approve_plan(plan.id, actor=who, now=LATER)
        with pytest.raises(NotFound):
            approve_plan(uuid4(), actor=shop.ana, now=LATER)


def test_an_approval_is_given_once(shop: Shop) -> None:
    plan = proposed(shop)
    approve_plan(plan.id, actor=shop.ana, now=LATER)
    with nothing_happens():
        with pytest.raises(NotWaiting):
            approve_plan(plan.id, actor=shop.ana, now=LATER)
        with pytest.raises(NotWaiting):
            withdraw_plan(plan.id, actor=shop.ana, now=LATER)


def test_an_old_preview_cannot_be_approved(shop: Shop) -> None:
    plan = proposed(shop)
    with nothing_happens(), pytest.raises(PreviewTooOld) as refused:
        approve_plan(plan.id, actor=shop.ana, now=plan.expires_at)
    assert "new one" in str(refused.value)


def test_a_check_that_failed_keeps_it_from_starting(shop: Shop) -> None:
    plan = proposed(shop)
    ProposedPlan.objects.update(
        preview={"checks": [{"passed": False, "text": "The pinned database %(name)s is gone", "facts": {"name": "x"}}]}
    )
    with nothing_happens(), pytest.raises(ChecksFailed, match="database x is gone"):
        approve_plan(plan.id, actor=shop.ana, now=LATER)


def test_a_server_that_was_away_calls_for_another_preview(shop: Shop) -> None:
    plan = proposed(shop)
    away = {"passed": False, "text": "The server does not answer", "facts": {"may_pass": True}}
    ProposedPlan.objects.update(preview={"checks": [away]})
    with nothing_happens(), pytest.raises(ChecksFailed) as refused:
        approve_plan(plan.id, actor=shop.ana, now=LATER)
    assert refused.value.hint is not None
    assert "new preview" in refused.value.hint


def test_one_plan_of_a_service_runs_at_a_time(shop: Shop) -> None:
    change = shop.deployed("v2")
    first, second = (proposed(shop, change_id=change.id, now=LATER - timedelta(seconds=s)) for s in (9, 0))
    approve_plan(first.id, actor=shop.ana, now=LATER - timedelta(seconds=5))
    with nothing_happens(), pytest.raises(AnotherPlanRuns):
        approve_plan(second.id, actor=shop.ana, now=LATER)


def test_a_failed_plan_that_is_tried_again_keeps_others_out(shop: Shop) -> None:
    from bonanca.durable.models import PlanRun
    from bonanca.durable.operations.retry_plan import retry_plan

    failed = carried_out(shop, proposed(shop), "failed")
    assert failed.run_id is not None
    assert failed.change_id is not None
    other = proposed(shop, change_id=failed.change_id, now=LATER + timedelta(seconds=1))
    retry_plan(failed.run_id, actor=shop.ana, now=LATER)
    assert PlanRun.objects.get(pk=failed.run_id).state == "queued"
    with nothing_happens(), pytest.raises(AnotherPlanRuns):
        approve_plan(other.id, actor=shop.ana, now=LATER + timedelta(seconds=2))


def test_the_database_keeps_a_second_plan_of_the_service_out(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look before an approval can miss what starts in the same moment; the constraint cannot."""
    from bonanca.response.operations import approve_plan as approving

    first = approve_plan(proposed(shop).id, actor=shop.ana, now=LATER)
    assert first.change_id is not None
    ProposedPlan.objects.filter(id=first.id).update(state="failed", approved_at=NOW)  # as before a retry
    other = proposed(shop, change_id=first.change_id)
    monkeypatch.setattr(approving, "unfinished_of", lambda _subject: ())
    with nothing_happens(), pytest.raises(AnotherPlanRuns):
        approve_plan(other.id, actor=shop.ana, now=LATER)


def test_a_preview_that_was_overtaken_cannot_be_approved(shop: Shop) -> None:
    change = shop.deployed("v2")
    first, second = (proposed(shop, change_id=change.id) for _ in range(2))
    carried_out(shop, first)
    assert get_change(change.id).state == "rolled_back"
    with nothing_happens():
        with pytest.raises(PreviewTooOld):
            approve_plan(second.id, actor=shop.ana, now=LATER)
        with pytest.raises(NotOut):
            proposed(shop, change_id=change.id)


def test_a_plan_that_waits_is_withdrawn(shop: Shop) -> None:
    plan = proposed(shop)
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                withdraw_plan(plan.id, actor=outsider, now=LATER)
        with pytest.raises(NotFound):
            withdraw_plan(uuid4(), actor=shop.beto, now=LATER)
    assert withdraw_plan(plan.id, actor=shop.beto, now=LATER).state == "withdrawn"
    with nothing_happens():
        with pytest.raises(NotWaiting):
            withdraw_plan(plan.id, actor=shop.beto, now=LATER)
        with pytest.raises(NotWaiting):
            approve_plan(plan.id, actor=shop.ana, now=LATER)


def test_a_preview_survives_its_storage(shop: Shop) -> None:
    plan = proposed(shop)
    assert get_plan(plan.id).preview == plan.preview
    assert plan.preview.pinned_at == NOW


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_start_it_once(shop: Shop) -> None:
    plan = proposed(shop)
    outcomes = together(*(lambda: approve_plan(plan.id, actor=shop.ana, now=LATER) for _ in range(2)))
    names = sorted(type(outcome).__name__ for outcome in outcomes)
    assert names[1] == "ProposedPlanView"
    assert names[0] in ("NotWaiting", "AnotherPlanRuns")
    assert len(list_runs()) == len(events("response.plan.approved")) == 1


@pytest.mark.django_db(transaction=True)
def test_approval_and_withdrawal_at_once_have_one_winner(shop: Shop) -> None:
    plan = proposed(shop)
    together(
        lambda: approve_plan(plan.id, actor=shop.ana, now=LATER),
        lambda: withdraw_plan(plan.id, actor=shop.beto, now=LATER),
    )
    runs = list_runs()
    assert (get_plan(plan.id).state, len(runs)) in [("running", 1), ("withdrawn", 0)]
