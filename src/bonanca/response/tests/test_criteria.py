"""Eight rules with their evidence propose or forbid a rollback; a person decides, unless the policy says otherwise."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bonanca.catalog.spec import CriteriaSpec, DatabaseSpec, Question, RollbackSpec
from bonanca.cli.main import run
from bonanca.kernel import audit
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Invalid, NotAllowed
from bonanca.response.criteria import measure as measuring
from bonanca.response.criteria.rules import Outcome, outcome_of
from bonanca.response.models import ProposedPlan
from bonanca.response.operations.answer_criterion import answer_criterion
from bonanca.response.operations.approve_plan import CriteriaForbid, NotWaiting, approve_plan
from bonanca.response.operations.start_automatic_rollbacks import start_automatic_rollbacks
from bonanca.response.queries import ProposedPlanView, get_plan, plans
from bonanca.response.tests.plans import LATER, carried_out, proposed
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver, events, nothing_happens

pytestmark = pytest.mark.django_db


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the instruments show: everything burns, until a test says otherwise."""
    shown: dict[str, Any] = {"failed": 300, "total": 1000, "spent": 25.0, "alerts": ["critical"]}
    monkeypatch.setattr(
        measuring,
        "impact",
        lambda service, since, until: SimpleNamespace(
            failed=shown["failed"],
            total=shown["total"],
            failed_ratio=shown["failed"] / shown["total"] if shown["total"] else 0.0,
        ),
    )
    monkeypatch.setattr(measuring, "budget_spent_by", lambda service, since, until: shown["spent"])
    monkeypatch.setattr(
        measuring,
        "alerts_between",
        lambda service, since, until: tuple(SimpleNamespace(severity=s) for s in shown["alerts"]),
    )
    return shown


def opinions(plan: ProposedPlanView) -> dict[str, str]:
    return {rule.rule: rule.opinion for rule in plan.criteria.rules}


def evidence(plan: ProposedPlanView, rule: str) -> str:
    return next(r.words for r in plan.criteria.rules if r.rule == rule)


def test_each_rule_is_measured_with_its_evidence_or_asked_of_a_person(shop: Shop, seen: dict[str, Any]) -> None:
    incident = shop.open(at=LATER - timedelta(minutes=2))
    plan = proposed(shop, incident_id=incident.id)
    assert opinions(plan) == {
        "end_user": "for",
        "data": "unknown",
        "business": "unknown",
        "availability": "for",
        "compliance": "unknown",
        "reputation": "unknown",
        "monitoring": "for",
        "history": "unknown",
    }
    assert evidence(plan, "end_user") == "300 of 1000 requests failed in the last 2 min 00 s"
    assert evidence(plan, "availability") == "It has cost 25 % of the error budget"
    assert evidence(plan, "monitoring") == "1 alerts burned; the incident is critical"
    assert (plan.criteria.outcome, plan.criteria.critical) == ("propose", True)
    [event] = events("response.plan.proposed")
    assert (event["criteria"], event["reason"]) == ("propose", "Checkouts fail")
    assert get_plan(plan.id).criteria == plan.criteria


def test_quiet_instruments_do_not_call_for_it(shop: Shop, seen: dict[str, Any]) -> None:
    seen.update(failed=1, spent=0.2, alerts=[])
    change = shop.deployed("v2").id
    plan = proposed(shop, change_id=change)
    assert {k: v for k, v in opinions(plan).items() if v != "unknown"} == {
        "end_user": "against",
        "availability": "against",
        "monitoring": "against",
    }
    assert plan.criteria.outcome == "against"
    seen.update(total=0, spent=None)
    silent = opinions(proposed(shop, change_id=change))
    assert (silent["end_user"], silent["availability"]) == (
        "unknown",
        "unknown",
    )


def test_thresholds_are_those_that_the_service_declares(shop: Shop, seen: dict[str, Any]) -> None:
    strict = CriteriaSpec(failed_percent=50, failed_requests=1000, budget_percent=50, severity="critical", needed=4)
    shop.declare(rollback=RollbackSpec(criteria=strict))
    incident = shop.open(severity="high", at=LATER - timedelta(minutes=2))
    plan = proposed(shop, incident_id=incident.id)
    assert {opinions(plan)[rule] for rule in ("end_user", "availability", "monitoring")} == {"against"}


def test_the_business_question_is_asked_at_the_database(
    shop: Shop, seen: dict[str, Any], scratch_database: str
) -> None:
    (shop.folder / "dsn").write_text(scratch_database)
    change = shop.deployed("v2").id
    database = DatabaseSpec(shop.folder / "dsn", scratch_database.rpartition("/")[2])
    for sql, opinion in (("select 3", "for"), ("select 9", "against"), ("select nothing", "unknown")):
        asked = CriteriaSpec(business=Question(sql, at_least=5))
        shop.declare(database=database, rollback=RollbackSpec(criteria=asked))
        assert opinions(proposed(shop, change_id=change))["business"] == opinion


def test_history_remembers_what_helped(shop: Shop, seen: dict[str, Any]) -> None:
    carried_out(shop, proposed(shop))
    again = shop.deployed("v3")
    plan = proposed(shop, change_id=again.id, now=LATER + timedelta(minutes=1))
    assert opinions(plan)["history"] == "for"
    assert "1 rollbacks that helped" in evidence(plan, "history")


def test_a_person_answers_and_an_against_forbids_until_a_commander_says_why(shop: Shop, seen: dict[str, Any]) -> None:
    plan = proposed(shop)
    given = {"rule": "compliance", "opinion": "against", "words": "The audit needs v2", "now": LATER}
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                answer_criterion(plan.id, **given, actor=outsider)
        for wrong, field in (({"rule": "x"}, "rule"), ({"opinion": "x"}, "opinion"), ({"words": " "}, "words")):
            with pytest.raises(Invalid) as refused:
                answer_criterion(plan.id, **{**given, **wrong}, actor=shop.beto)
            assert refused.value.field == field
    answered = answer_criterion(plan.id, **given, actor=shop.beto)
    assert (answered.criteria.outcome, opinions(answered)["compliance"]) == ("forbid", "against")
    with nothing_happens(), pytest.raises(CriteriaForbid, match="The audit needs v2"):
        approve_plan(plan.id, actor=shop.ana, now=LATER)
    approve_plan(plan.id, override_reason="The regulator agreed by phone", actor=shop.ana, now=LATER)
    last = audit.history(f"response-plan:{plan.id}")[-1]
    assert last.facts["against_criteria"] == "The regulator agreed by phone"
    with nothing_happens(), pytest.raises(NotWaiting):
        answer_criterion(plan.id, **given, actor=shop.beto)


def test_an_answer_can_be_corrected_and_the_audit_keeps_both(shop: Shop, seen: dict[str, Any]) -> None:
    plan = proposed(shop)
    for opinion in ("against", "for"):
        answer_criterion(plan.id, rule="data", opinion=opinion, words=opinion, actor=shop.beto, now=LATER)
    assert opinions(get_plan(plan.id))["data"] == "for"
    said = [e.facts["opinion"] for e in audit.history(f"response-plan:{plan.id}") if "answered" in e.action]
    assert said == ["against", "for"]


def test_page_api_and_command_answer_alike(
    client: Client, shop: Shop, owner: Any, member: Any, seen: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = proposed(shop, now=utc_now())
    client.force_login(member)
    page = reverse("response:plan", args=[plan.id])
    assert "300 de 1000" in client.get(page).content.decode().replace(".", "")
    form = {"rule": "data", "opinion": "for", "words": "exposed"}
    assert client.post(reverse("response:answer", args=[plan.id]), form).headers["Location"] == page
    body = {"rule": "reputation", "opinion": "for", "words": "press"}
    path = f"/api/v1/response-plans/{plan.id}/criteria"
    answered = client.post(path, body, content_type="application/json").json()
    assert {r["rule"]: r["answer"] for r in answered["criteria"]["rules"] if r["answer"]} == {
        "data": "exposed",
        "reputation": "press",
    }
    assert client.post(path, {**body, "rule": "x"}, content_type="application/json").status_code == 422
    assert run(["rollback", "answer", str(plan.id), "compliance", "against", "--because", "the audit"]) == 0
    assert "against  compliance" in capsys.readouterr().out
    assert run(["rollback", "approve", str(plan.id)]) == 5
    client.force_login(owner)
    assert 'name="override_reason"' in client.get(page).content.decode()
    client.post(reverse("response:approve", args=[plan.id]), {"override_reason": "agreed"})
    assert get_plan(plan.id).state == "running"


def test_people_are_told_at_once_that_it_is_needed(shop: Shop, seen: dict[str, Any]) -> None:
    from bonanca.notify.models import Message

    proposed(shop, reason="prices are wrong")
    deliver(LATER)
    told = Message.objects.get(to="ana@loja.example", subject__startswith="[Loja] É preciso reverter")
    assert "prices are wrong" in told.body
    assert "Os critérios pedem uma reversão" in told.body


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ([("end_user", "for", False), ("monitoring", "for", False)], Outcome.PROPOSE),
        ([("end_user", "for", False), ("monitoring", "against", False)], Outcome.UNDECIDED),
        ([("end_user", "against", False), ("data", "unknown", False)], Outcome.AGAINST),
        ([("data", "against", False), ("end_user", "for", False), ("history", "for", False)], Outcome.PROPOSE),
        ([("data", "against", True), ("end_user", "for", False), ("history", "for", False)], Outcome.FORBID),
        ([("end_user", "against", True), ("history", "unknown", False)], Outcome.AGAINST),
        ([("end_user", "unknown", False)], Outcome.UNDECIDED),
    ],
)
def test_what_opinions_say_together(given: list[tuple[str, str, bool]], outcome: Outcome) -> None:
    assert outcome_of(given, needed=2) == outcome


def burning(shop: Shop, *, automatic: bool = True) -> Any:
    from bonanca.incidents.operations.set_suspects import set_suspects
    from bonanca.incidents.queries import SuspectView

    shop.declare(rollback=RollbackSpec(criteria=CriteriaSpec(automatic=automatic)))
    change, incident = shop.deployed("v2"), shop.open(at=LATER)
    suspect = SuspectView(change.id, change.title, change.version, NOW)
    set_suspects(incident.id, (suspect,), actor=shop.system, now=LATER)
    return incident


def test_the_policy_starts_a_critical_rollback_once_and_as_itself(shop: Shop, seen: dict[str, Any]) -> None:
    incident = burning(shop)
    [started] = start_automatic_rollbacks(now=LATER + timedelta(seconds=20))
    assert (started.state, started.approved_by) == ("running", "system:rollback policy")
    assert start_automatic_rollbacks(now=LATER + timedelta(seconds=25)) == ()
    assert [p.id for p in plans(incident_id=incident.id)] == [started.id]
    spec = ProposedPlan.objects.get(id=started.id).spec
    assert spec["steps"][0]["params"]["automatic"] is True


def test_without_the_policy_or_below_critical_nothing_starts(shop: Shop, seen: dict[str, Any]) -> None:
    burning(shop, automatic=False)
    with nothing_happens():
        assert start_automatic_rollbacks(now=LATER) == ()
    shop.declare(rollback=RollbackSpec(criteria=CriteriaSpec(automatic=True)))
    seen.update(failed=0, spent=0.0)
    with nothing_happens():
        assert start_automatic_rollbacks(now=LATER) == ()


def test_rows_at_risk_leave_it_to_people(shop: Shop, seen: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from bonanca.response.views import Preview

    burning(shop)
    monkeypatch.setattr(Preview, "rows_may_be_lost", property(lambda self: True))
    with nothing_happens():
        assert start_automatic_rollbacks(now=LATER) == ()
