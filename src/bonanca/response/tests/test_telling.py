"""Who is concerned is told that a rollback begins, works, stopped or was taken back: in their language, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bonanca.catalog.spec import RollbackSpec
from bonanca.notify.models import Message
from bonanca.response.audience import audience
from bonanca.response.operations.tell_people import Moment, tell_people
from bonanca.response.tests.plans import LATER, carried_out, proposed
from tests.support.loja import Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


def told() -> dict[str, str]:
    return {row.to: row.subject for row in Message.objects.filter(key__startswith="plan:").order_by("queued_at", "id")}


def test_each_person_is_told_once_in_their_language_with_the_reason(shop: Shop) -> None:
    plan = proposed(shop, reason="prices are wrong")
    for _again in range(2):
        tell_people(plan.id, Moment.BEGINS, to=("on_call", "team", "sac@loja.example"), now=LATER)
    assert told() == {
        "ana@loja.example": "[Loja] Está sendo revertido agora: Loja de volta a antes de v2",
        "beto@loja.example": "[Loja] Está sendo revertido agora: Loja de volta a antes de v2",
        "sac@loja.example": "[Loja] It is being put back now: Loja back to before v2",
    }
    body = Message.objects.get(to="sac@loja.example").body
    assert "Reason: prices are wrong" in body
    assert f"/recovery/{plan.id}/" in body


def test_teams_of_dependents_are_people_concerned_too(shop: Shop) -> None:
    from bonanca.catalog.operations.apply_catalog import apply_catalog
    from bonanca.catalog.spec import Catalog
    from tests.support.loja import NOW, _teams, bare_service

    stock = replace(bare_service("estoque-api", "Estoque"), team_slug="estoque", depends_on=("loja-api",))
    catalog = Catalog(teams=_teams(), services=(shop.service, stock))
    apply_catalog(catalog, source="bonanca.yaml", actor=shop.system, now=NOW)
    assert [p.email for p in audience(shop.service, ("dependents",), NOW)] == ["caio@estoque.example"]


def test_a_rollback_that_stops_is_told_and_so_is_its_undo(shop: Shop) -> None:
    from bonanca.response.operations.propose_undo import propose_undo

    failed = carried_out(shop, proposed(shop), "failed", error="the disk is full")
    deliver(LATER + timedelta(seconds=1))
    assert told()["beto@loja.example"] == "[Loja] Parou e precisa de alguém: Loja de volta a antes de v2"
    assert "the disk is full" in Message.objects.filter(to="beto@loja.example").latest("id").body
    carried_out(shop, propose_undo(failed.id, actor=shop.beto, now=LATER + timedelta(seconds=1)))
    deliver(LATER + timedelta(seconds=2))
    assert told()["beto@loja.example"].startswith("[Loja] A reversão foi desfeita: ")


def test_a_service_that_wants_nobody_told_tells_nobody(shop: Shop) -> None:
    shop.declare(rollback=RollbackSpec(announce=()))
    carried_out(shop, proposed(shop), "failed")
    deliver(LATER + timedelta(seconds=1))
    assert told() == {}
