"""A look at a rollback writes nothing, through every door; the strategy is chosen when it is asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bonanca.catalog.spec import RollbackSpec
from bonanca.cli.main import run
from bonanca.kernel.errors import Invalid, NotAllowed
from bonanca.response.operations.draw_up_rollback import NotOut, draw_up_rollback, newest_out
from bonanca.response.queries import get_plan, plans
from bonanca.response.tests.plans import LATER, proposed
from tests.support.loja import Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db


def test_a_draft_is_what_would_be_proposed(shop: Shop) -> None:
    change = shop.deployed("v2")
    with nothing_happens():
        draft = draw_up_rollback(change.id, actor=shop.beto, now=LATER)
        assert newest_out("loja-api") == change
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                draw_up_rollback(change.id, actor=outsider, now=LATER)
        with pytest.raises(NotOut):
            newest_out("estoque-api")
    assert draft.preview == proposed(shop, change_id=change.id).preview


def test_the_declared_strategy_is_taken_unless_another_is_wished_for(shop: Shop) -> None:
    shop.declare(rollback=RollbackSpec(strategy="keep_data"))
    change = shop.deployed("v2")
    assert proposed(shop, change_id=change.id).preview.strategy == "keep_data"
    wished = proposed(shop, change_id=change.id, strategy="instant", reason="  prices are wrong ")
    assert (wished.preview.strategy, wished.preview.reason) == ("instant", "prices are wrong")
    with nothing_happens():
        with pytest.raises(Invalid):
            proposed(shop, change_id=change.id, strategy="magic")
        with pytest.raises(Invalid) as refused:
            proposed(shop, change_id=change.id, reason="x" * 501)
    assert refused.value.field == "reason"


def test_the_page_only_looks_until_somebody_asks(client: Client, shop: Shop, member: Any, stranger: Any) -> None:
    shop.deployed("v2")
    shop.open()
    page = reverse("response:rollback", args=[1])
    client.force_login(stranger)
    assert client.get(page).status_code == 403
    client.force_login(member)
    with nothing_happens():
        shown = client.get(page, {"strategy": "keep_data", "incident": "1"})
        assert (shown.status_code, shown.context["draft"].preview.strategy) == (200, "keep_data")
        assert client.get(page, {"strategy": "magic"}).headers["Location"] == "/changes/1/"
        assert client.get(page, {"incident": "9"}).status_code == 404
    form = {"strategy": "keep_data", "incident": "1", "reason": "prices are wrong"}
    client.post(page, form)
    [plan] = plans()
    assert (plan.preview.strategy, plan.preview.reason, plan.incident_id is not None) == (
        "keep_data",
        "prices are wrong",
        True,
    )
    assert "prices are wrong" in client.get(reverse("response:plan", args=[plan.id])).content.decode()


def test_the_api_only_looks_too(client: Client, shop: Shop, member: Any) -> None:
    shop.deployed("v2")
    client.force_login(member)
    with nothing_happens():
        for path in ("changes/1/rollback", "services/loja-api/rollback"):
            found = client.get(f"/api/v1/{path}?strategy=keep_data").json()
            assert (found["service"], found["change"], found["preview"]["strategy"]) == ("loja-api", 1, "keep_data")
        refused = client.get("/api/v1/changes/1/rollback?strategy=magic")
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, "strategy")
    body = {"strategy": "keep_data", "reason": "prices"}
    made = client.post("/api/v1/changes/1/rollback", body, content_type="application/json").json()
    assert (made["preview"]["strategy"], made["preview"]["reason"]) == ("keep_data", "prices")


def test_the_command_only_looks_and_proposes_when_told(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.deployed("v2")
    with nothing_happens():
        for target in ("loja-api", "CHG-1", "1"):
            assert run(["rollback", "preview", target, "--strategy", "keep_data"]) == 0
            said = capsys.readouterr().out
            assert "nothing was written" in said
            assert "bonanca rollback propose CHG-1 --strategy keep_data" in said
        assert run(["rollback", "preview", "nowhere"]) == 3
        assert run(["rollback", "preview", "CHG-1", "--strategy", "magic"]) == 2
        capsys.readouterr()
        assert run(["rollback", "preview", "loja-api", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["preview"]["strategy"] == "instant"
    assert run(["rollback", "propose", "CHG-1", "--strategy", "keep_data", "--reason", "prices", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert get_plan(plans()[0].id).preview.reason == made["preview"]["reason"] == "prices"
    assert run(["rollback", "show", made["id"]]) == 0
    assert "stays as it is" in capsys.readouterr().out
