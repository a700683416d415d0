"""Two people agree where rows are at risk: from the page, the API, a command or a link on the phone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from bonanca.access.actors import SYSTEM, person
from bonanca.access.models import User
from bonanca.access.state import Role
from bonanca.catalog.spec import RollbackSpec
from bonanca.cli.main import run
from bonanca.kernel import audit
from bonanca.kernel.clock import utc_now
from bonanca.notify.models import Message
from bonanca.response.approvers import approvers
from bonanca.response.models import ApprovalLink
from bonanca.response.operations.approve_by_link import LinkInvalid, approve_by_link
from bonanca.response.operations.approve_plan import SecondPersonNeeded, approve_plan
from bonanca.response.operations.invite_approvers import SALT, invite_approvers
from bonanca.response.operations.propose_undo import propose_undo
from bonanca.response.queries import ProposedPlanView, get_plan
from bonanca.response.tests.plans import LATER, carried_out, proposed
from bonanca.response.views import Preview
from tests.support.loja import Shop
from tests.support.traces import deliver, events, nothing_happens, together

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_risk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows were written since the pin."""
    monkeypatch.setattr(Preview, "rows_may_be_lost", property(lambda self: True))


def token(email: str = "ana@loja.example") -> str:
    message = Message.objects.get(to=email, key__startswith="approve:")
    assert "/recovery/approve/" not in message.body
    found = re.search(r"/recovery/approve/([^/\s]+)/", message.secret)
    assert found is not None
    return found[1]


def invited(plan: ProposedPlanView, email: str = "ana@loja.example") -> str:
    invite_approvers(plan.id, now=plan.proposed_at)
    return token(email)


def test_who_asked_for_it_does_not_approve_it(shop: Shop, at_risk: None) -> None:
    plan = proposed(shop, actor=shop.ana)
    assert (plan.four_eyes, plan.preview.four_eyes) == (True, "rows")
    with nothing_happens(), pytest.raises(SecondPersonNeeded):
        approve_plan(plan.id, actor=shop.ana, now=LATER)
    other = replace(shop.ana, identity="lia@loja.example", name="Lia")
    running = approve_plan(plan.id, via="api", actor=other, now=LATER)
    assert (running.state, [(a.name, a.via) for a in running.approvals]) == ("running", [("Lia", "api")])
    agreed = [e for e in audit.history(f"response-plan:{plan.id}") if e.action == "response.plan.agreed"]
    assert [(e.actor, e.facts["via"], e.facts["four_eyes"]) for e in agreed] == [
        ("person:lia@loja.example", "api", "rows")
    ]


def test_without_rows_at_risk_one_commander_is_enough(shop: Shop) -> None:
    plan = proposed(shop, actor=shop.ana)
    assert not plan.four_eyes
    assert approve_plan(plan.id, actor=shop.ana, now=LATER).state == "running"


def test_a_policy_demands_or_waives_the_second_person(shop: Shop, at_risk: None) -> None:
    change = shop.deployed("v2").id
    shop.declare(rollback=RollbackSpec(approval="one"))
    assert not proposed(shop, change_id=change).four_eyes
    shop.declare(rollback=RollbackSpec(approval="always"))
    demanded = proposed(shop, change_id=change)
    assert demanded.preview.four_eyes == "policy"
    failed = carried_out(shop, demanded, "failed")
    undo = propose_undo(failed.id, actor=shop.ana, now=LATER + timedelta(seconds=1))
    with nothing_happens(), pytest.raises(SecondPersonNeeded):
        approve_plan(undo.id, actor=shop.ana, now=LATER + timedelta(seconds=2))


def test_a_plan_that_nobody_asked_for_needs_two_approvals(shop: Shop, at_risk: None) -> None:
    plan = proposed(shop, actor=SYSTEM("somebody's automation"))
    waiting = approve_plan(plan.id, actor=shop.ana, now=LATER)
    assert (waiting.state, waiting.run_id, len(waiting.approvals)) == ("proposed", None, 1)
    with nothing_happens(), pytest.raises(SecondPersonNeeded):
        approve_plan(plan.id, actor=shop.ana, now=LATER)
    second = replace(shop.ana, identity="lia@loja.example", name="Lia")
    assert approve_plan(plan.id, actor=second, now=LATER).state == "running"


def test_those_who_may_approve_get_a_link_and_nobody_else(shop: Shop, at_risk: None) -> None:
    proposed(shop)
    deliver(LATER)
    sent = Message.objects.filter(key__startswith="approve:")
    assert [(m.to, m.purpose) for m in sent] == [("ana@loja.example", "page")]
    User.objects.create(email="lia@loja.example", name="Lia", role=Role.COMMANDER)
    mine = proposed(shop, change_id=get_plan_change(), actor=shop.ana)
    assert [p.email for p in approvers(mine)] == ["lia@loja.example"]
    assert invite_approvers(mine.id, now=LATER) == ("lia@loja.example",)
    with nothing_happens():
        assert invite_approvers(mine.id, now=LATER) == ("lia@loja.example",)
        assert invite_approvers(mine.id, now=mine.expires_at) == ()


def get_plan_change() -> Any:
    from bonanca.response.queries import plans

    return plans()[0].change_id


def test_a_link_approves_once_as_its_person(shop: Shop, at_risk: None) -> None:
    secret = invited(proposed(shop))
    running = approve_by_link(secret, now=LATER)
    assert (running.state, running.approved_by) == ("running", "person:ana@loja.example")
    assert [(a.by, a.via) for a in running.approvals] == [("person:ana@loja.example", "link")]
    with nothing_happens(), pytest.raises(LinkInvalid):
        approve_by_link(secret, now=LATER)


def test_a_link_that_is_old_forged_or_of_somebody_who_left_does_nothing(shop: Shop, at_risk: None) -> None:
    plan = proposed(shop)
    secret = invited(plan)
    link = ApprovalLink.objects.get()
    forged = [secret[:-1] + ("A" if secret[-1] != "A" else "B"), "x", str(link.id), signing.dumps(str(link.id))]
    forged.append(signing.dumps("nothing", salt=SALT))
    with nothing_happens():
        for bad in forged:
            with pytest.raises(LinkInvalid):
                approve_by_link(bad, now=LATER)
        with pytest.raises(LinkInvalid):
            approve_by_link(secret, now=plan.expires_at)
    User.objects.filter(email="ana@loja.example").update(is_active=False)
    with nothing_happens(), pytest.raises(LinkInvalid):
        approve_by_link(secret, now=LATER)


def test_a_refusal_does_not_use_the_link_up(shop: Shop, at_risk: None) -> None:
    from bonanca.kernel.errors import NotAllowed

    secret = invited(proposed(shop))
    User.objects.filter(email="ana@loja.example").update(role=Role.VIEWER)
    with nothing_happens(), pytest.raises(NotAllowed):
        approve_by_link(secret, now=LATER)
    User.objects.filter(email="ana@loja.example").update(role=Role.COMMANDER)
    assert approve_by_link(secret, now=LATER).state == "running"


def test_the_page_of_a_link_shows_and_only_its_button_approves(shop: Shop, at_risk: None) -> None:
    plan = proposed(shop, now=utc_now())
    page = reverse("response:approve_link", args=[invited(plan)])
    stranger = Client(enforce_csrf_checks=True)
    with nothing_happens():
        shown = stranger.get(page)
        assert (shown.status_code, shown.headers["Referrer-Policy"]) == (200, "same-origin")
        assert "no-store" in shown.headers["Cache-Control"]
        assert b"Loja" in shown.content
        assert stranger.post(page).status_code == 403  # no CSRF token: a picture of another site
    assert get_plan(plan.id).state == "proposed"
    form = {"csrfmiddlewaretoken": stranger.cookies["csrftoken"].value}
    assert stranger.post(page, form).status_code == 200
    assert get_plan(plan.id).state == "running"
    assert stranger.get(page).status_code == 404


def test_guessing_links_is_limited(client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from bonanca.response.web import approval_links

    monkeypatch.setattr(approval_links, "PER_ADDRESS", 3)
    page = reverse("response:approve_link", args=["guess"])
    assert [client.get(page).status_code for _ in range(4)] == [404, 404, 404, 429]
    good = reverse("response:approve_link", args=[invited(proposed(shop, now=utc_now()))])
    assert client.get(good, REMOTE_ADDR="192.0.2.7").status_code == 200
    assert [client.get(good, REMOTE_ADDR="192.0.2.7").status_code for _ in range(5)] == [200] * 5


def test_the_plan_says_who_must_and_who_may(
    client: Client, shop: Shop, owner: Any, at_risk: None, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = proposed(shop, now=utc_now())
    client.force_login(owner)
    page = client.get(reverse("response:plan", args=[plan.id]))
    assert [p.email for p in page.context["approvers"]] == ["ana@loja.example"]
    assert "beto@loja.example" in page.content.decode()
    assert client.get(f"/api/v1/response-plans/{plan.id}").json()["four_eyes"] is True
    assert run(["rollback", "show", str(plan.id)]) == 0
    assert "may approve: ana@loja.example" in capsys.readouterr().out


def test_one_operator_at_a_terminal_is_one_person(shop: Shop, at_risk: None) -> None:
    shop.deployed("v2")
    assert run(["rollback", "propose", "CHG-1"]) == 0
    plan = get_plan(_last())
    assert run(["rollback", "approve", str(plan.id)]) == 5
    assert get_plan(plan.id).state == "proposed"


def _last() -> Any:
    from bonanca.response.queries import plans

    return plans()[0].id


@pytest.mark.django_db(transaction=True)
def test_one_link_pressed_twice_at_once_starts_it_once(shop: Shop, at_risk: None) -> None:
    secret = invited(proposed(shop))
    outcomes = together(*(lambda: approve_by_link(secret, now=LATER) for _ in range(2)))
    assert sorted(type(o).__name__ for o in outcomes)[1] == "ProposedPlanView"
    assert len(events("response.plan.approved")) == 1


def test_the_actor_of_a_link_is_the_person(shop: Shop) -> None:
    assert person(User.objects.get(email="ana@loja.example")).label == "person:ana@loja.example"
