"""Erasures, reviews and what is kept, through page, API and command line: the same verbs, the same refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM, Actor, Role
from bonanca.access.operations.create_token import create_token
from bonanca.catalog.spec import ErasureSpec, PrivacySpec
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.kernel.audit import history
from bonanca.recovery.cli.privacy import app
from bonanca.recovery.models import Kept, Restore
from bonanca.recovery.operations.forget_erasures import forget_erasures
from bonanca.recovery.operations.open_review import NewPoint, open_review
from bonanca.recovery.operations.read_rows import read_rows
from bonanca.recovery.operations.record_erasure import record_erasure
from bonanca.recovery.operations.record_set_aside import record_set_aside
from bonanca.recovery.queries.privacy import references_of, register_problem
from bonanca.recovery.state import RowKind
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.ui.phrases import Phrase

WORKER = SYSTEM("test")
ERASURES = ErasureSpec("SELECT count(*) FROM orders WHERE number = %(reference)s", ("SELECT %(reference)s",))
PRIVACY = PrivacySpec(ERASURES)


@pytest.fixture
def private(shop: Shop) -> Shop:
    shop.declare(privacy=PRIVACY)
    return shop


@pytest.fixture
def browser(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def a_review(shop: Shop) -> UUID:
    spec = PlanSpec(
        "test",
        f"service:{shop.slug}",
        "Volta dos dados",
        (StepSpec("review", "recovery.review", {}),),
        {"team": "loja"},
    )
    run = start_plan(spec, actor=WORKER, now=NOW, key="review")
    PlanRun.objects.filter(pk=run.id).update(
        state="paused", waits_for={"words": Phrase("it").to_json(), "path": "/reviews/"}
    )
    points = [
        NewPoint("people", Phrase("2 people"), Phrase("They are erased again.")),
        NewPoint("tokens", Phrase("3 tokens"), Phrase("By hand."), "Chaves", {"keys": ["9"]}, needs_note=True),
    ]
    made = open_review(
        key="k", run_id=run.id, service=shop.slug, points=points, four_eyes=False, context=spec.context, now=NOW
    )
    return made.id


def test_an_erasure_is_recorded_on_the_page_and_its_reference_is_never_shown(private: Shop, browser: Client) -> None:
    address = f"/privacy/{private.slug}/"
    wrong = browser.post(address, {"reference": "titular-4711", "reason": ""})
    assert wrong.status_code == 422
    assert browser.post(address, {"reference": "titular-4711", "reason": "pedido 12"}).status_code == 302
    page = browser.get(address).content.decode()
    assert "pedido 12" in page
    assert "titular-4711" not in page
    assert references_of(private.slug) == ("titular-4711",)


def test_points_are_ticked_on_the_page_and_with_the_last_one_the_plan_goes_on(private: Shop, browser: Client) -> None:
    review = a_review(private)
    assert f"/reviews/{review}/" in browser.get("/privacy/").content.decode()
    page = browser.get(f"/reviews/{review}/").content.decode()
    assert "Chaves" in page
    browser.post(f"/reviews/{review}/points/2/tick/", {"note": ""})
    browser.post(f"/reviews/{review}/points/1/tick/")
    assert PlanRun.objects.get(key="review").state == "paused"
    browser.post(f"/reviews/{review}/points/2/tick/", {"note": "Beto troca as chaves"})
    assert PlanRun.objects.get(key="review").state == "queued"
    assert "Beto troca as chaves" in browser.get(f"/reviews/{review}/").content.decode()


def test_who_may_only_look_sees_why_the_buttons_are_off(private: Shop, viewer_client: Client) -> None:
    review = a_review(private)
    assert "disabled" in viewer_client.get(f"/reviews/{review}/").content.decode()
    assert viewer_client.post(f"/reviews/{review}/points/1/tick/").status_code == 403
    assert "disabled" in viewer_client.get(f"/privacy/{private.slug}/").content.decode()


@pytest.fixture
def viewer_client(db: None) -> Client:
    from bonanca.access.models import User

    client = Client()
    client.force_login(User.objects.create(email="vera@loja.example", name="Vera", role="viewer"))
    return client


def a_finished_restore(shop: Shop) -> UUID:
    steps = (StepSpec("review", "recovery.review", {}),)
    run = start_plan(PlanSpec("restore", f"service:{shop.slug}", "x", steps, {}), actor=WORKER, now=NOW, key="beside")
    PlanRun.objects.filter(pk=run.id).update(state="succeeded", finished_at=NOW)
    times = {"proposed_at": NOW, "expires_at": NOW, "started_at": NOW}
    return Restore.objects.create(
        service=shop.slug,
        backup_id=UUID(int=3),
        mode="beside",
        database="loja_beside",
        state="started",
        run_id=run.id,
        proposed_by="t",
        **times,
    ).id


def test_what_is_kept_is_listed_with_its_end_and_its_readers(private: Shop, browser: Client) -> None:
    Kept.objects.create(
        service=private.slug,
        name="loja_kept_1",
        database="loja",
        kept_at=NOW,
        kept_by="k",
        expires_at=NOW,
        closed_at=NOW,
    )
    file = private.folder / "rows.jsonl"
    file.write_text('{"table": "orders", "key": "1", "kind": "new", "row": {}}\n')
    listed = record_set_aside(
        key="s",
        run_id=UUID(int=1),
        service=private.slug,
        pin_id=UUID(int=2),
        kept_database="loja_kept_1",
        file=file,
        file_sha256="a" * 64,
        rows=[("orders", "1", RowKind.NEW)],
        actor=WORKER,
        now=NOW,
    )
    reader = Actor("person", "ana@loja.example", "Ana", Role.ADMIN)
    list(read_rows(listed.id, actor=reader, now=NOW))
    beside = a_finished_restore(private)
    page = browser.get("/privacy/").content.decode()
    assert "loja_kept_1" in page
    assert "<div>ana@loja.example " in page
    shown = json.loads(CliRunner().invoke(app, ["kept", "--json"]).stdout)
    assert [(one["kind"], one["access"], len(one["readings"])) for one in shown] == [
        ("database", "closed", 0),
        ("restored", "service", 0),
        ("rows", "closed", 1),
    ]
    assert f"/restores/{beside}/" in page
    assert "when undone" in CliRunner().invoke(app, ["kept"]).output


def test_the_command_takes_references_on_its_input_only(private: Shop) -> None:
    runner = CliRunner()
    nothing = runner.invoke(app, ["erase", private.slug, "--reason", "pedido"], input="\n")
    assert nothing.exit_code != 0
    done = runner.invoke(app, ["erase", private.slug, "--reason", "pedido", "--json"], input="7\n8\n")
    assert len(json.loads(done.stdout)) == 2
    assert references_of(private.slug) == ("7", "8")
    assert "pedido" in runner.invoke(app, ["erasures", private.slug]).output
    review = a_review(private)
    assert str(review) in runner.invoke(app, ["reviews"]).output
    assert "Chaves" in runner.invoke(app, ["review", str(review)]).output
    assert runner.invoke(app, ["tick", str(review), "1"]).exit_code == 0
    shown = json.loads(runner.invoke(app, ["tick", str(review), "2", "--note", "troca", "--json"]).stdout)
    assert shown["state"] == "agreed"


def test_the_api_speaks_of_the_same(private: Shop, owner) -> None:
    token = create_token(name="t", user_email=owner.email, actor=WORKER, now=datetime.now(UTC))
    headers = {"Authorization": f"Bearer {token.secret}"}

    def post(path: str, body: dict[str, object]):
        return Client().post(f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=headers)

    made = post("erasures", {"service": private.slug, "reference": "7", "reason": "pedido"})
    assert made.status_code == 201, made.content
    assert "reference" not in made.json()
    assert len(Client().get(f"/api/v1/erasures?service={private.slug}", headers=headers).json()) == 1
    review = a_review(private)
    assert post(f"reviews/{review}/points/2/tick", {}).status_code == 422
    assert post(f"reviews/{review}/points/9/tick", {}).status_code == 404
    assert post(f"reviews/{review}/points/1/tick", {}).json()["waiting"] is True
    assert post(f"reviews/{review}/points/1/tick", {}).status_code == 409
    assert post(f"reviews/{review}/points/2/tick", {"note": "troca"}).json()["state"] == "agreed"
    assert Client().get("/api/v1/kept", headers=headers).json() == []


def test_the_register_forgets_only_what_nothing_could_bring_back(private: Shop) -> None:
    erasures = replace(ERASURES, forget_after_days=30)
    ago = {"7": 100, "8": 50, "9": 10}
    for reference, days in ago.items():
        when = NOW - timedelta(days=days)
        record_erasure(
            service=private.slug, reference=reference, reason="pedido", actor=WORKER, now=NOW, erased_at=when
        )
    assert forget_erasures(now=NOW) == 0  # nothing is declared
    private.declare(privacy=PrivacySpec(erasures))
    kept = {"kept_at": NOW - timedelta(days=60), "expires_at": NOW, "kept_by": "k"}
    Kept.objects.create(service=private.slug, name="loja_kept_1", database="loja", **kept)
    assert forget_erasures(now=NOW) == 1
    assert references_of(private.slug) == ("8", "9")
    Kept.objects.update(state="dropped")
    assert forget_erasures(now=NOW) == 1
    assert references_of(private.slug) == ("9",)
    assert "erasure.forgotten" in [entry.action for entry in history(f"erasures:{private.slug}")]


def test_a_register_that_cannot_be_read_is_said_before_anything_is_touched(private: Shop, settings: Any) -> None:
    record_erasure(service=private.slug, reference="7", reason="pedido", actor=WORKER, now=NOW)
    assert register_problem(private.service) == ""
    settings.SECRET_KEY = "another" * 8
    assert "secret key" in register_problem(private.service)


def test_the_overview_says_what_waits_and_other_pages_whether_people_are_asked(shop: Shop, browser: Client) -> None:
    assert "/reviews/" not in browser.get("/").content.decode()
    review = a_review(shop)
    assert f"/reviews/{review}/" in browser.get("/").content.decode()
