"""Closer looks through pages, API and command line: the same verbs, the same refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.aftercare.cli.watch import app
from bonanca.aftercare.operations.start_watch import start_watch
from bonanca.aftercare.queries import get_watch, watches
from bonanca.aftercare.tests.watching import Visitors, pass_time
from bonanca.kernel.clock import utc_now
from tests.support.loja import SLUG, Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db
API = "/api/v1/watches"


@pytest.fixture
def watch(shop: Shop) -> Any:
    return start_watch(SLUG, actor=shop.beto, now=utc_now())


@pytest.fixture
def beto(client: Client, member: Any) -> Client:
    client.force_login(member)
    return client


def test_the_pages_begin_show_and_end_one(beto: Client, shop: Shop) -> None:
    assert "Observar de perto por 24 h" in beto.get(f"/services/{SLUG}/").content.decode()
    begun = beto.post("/watches/", {"service": SLUG, "hours": "2"})
    [watch] = watches()
    assert (begun.status_code, begun.headers["Location"]) == (302, f"/watches/{watch.id}/")
    page = beto.get(f"/watches/{watch.id}/").content.decode()
    for words in (
        "Observação reforçada de loja-api",
        "Loja responde",
        "5,0×",
        "normalmente com",
        "Encerrar antes da hora",
    ):
        assert words in page
    assert SLUG in beto.get("/watches/").content.decode()
    refused = beto.post("/watches/", {"service": SLUG, "hours": "9999"})
    assert refused.status_code == 422
    beto.post(f"/watches/{watch.id}/end/", {"reason": ""})
    assert get_watch(watch.id).is_on
    beto.post(f"/watches/{watch.id}/end/", {"reason": "load test"})
    assert "load test" in beto.get(f"/watches/{watch.id}/").content.decode()


def test_the_page_tells_what_was_found_in_the_language_of_the_reader(
    beto: Client, shop: Shop, visitors: Visitors
) -> None:
    watch = start_watch(SLUG, actor=shop.beto, now=visitors.at)
    pass_time(visitors, 20, good=5, failed=5)
    page = beto.get(f"/watches/{watch.id}/").content.decode()
    assert "voltou" in page
    assert "Loja responde: o orçamento queima" in page


def test_the_resolve_form_asks_and_the_incident_shows_it(beto: Client, shop: Shop) -> None:
    incident = shop.open()
    page = beto.get(f"/incidents/{incident.number}/").content.decode()
    assert '<option value="24" selected>' in page
    beto.post(f"/incidents/{incident.number}/do/resolve/", {"reason": "ok", "watch_for_h": "x"})
    assert "horas da observação" in beto.get("/incidents/").content.decode()
    start_watch(SLUG, incident_id=incident.id, actor=shop.beto, now=utc_now())
    assert "Em observação reforçada até" in beto.get(f"/incidents/{incident.number}/").content.decode()


def test_the_api(beto: Client, shop: Shop) -> None:
    def post(path: str, body: Any) -> Any:
        return beto.post(path, body, content_type="application/json")

    made = post(API, {"service": SLUG, "hours": 2})
    assert (made.status_code, made.json()["state"]) == (201, "watching")
    one = f"{API}/{made.json()['id']}"
    assert beto.get(API).json() == [beto.get(one).json()]
    assert beto.get(f"{one}/minutes").json() == []
    with nothing_happens():
        assert post(API, {"service": "estoque-api"}).status_code in (403, 422)
        assert post(API, {"service": SLUG, "hours": -1}).json()["error"]["field"] == "hours"
        assert post(API, {"service": SLUG, "incident": 9}).status_code == 404
        assert post(f"{one}/end", {"reason": ""}).status_code == 422
    assert post(f"{one}/end", {"reason": "x"}).json()["state"] == "ended"
    assert post(f"{one}/end", {"reason": "x"}).status_code == 409


def test_the_command_line(shop: Shop) -> None:
    runner = CliRunner()

    def run(*words: str) -> Any:
        done = runner.invoke(app, [*words, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.output)

    begun = run("start", SLUG, "--hours", "1")
    assert [one["id"] for one in run("list", "--on")] == [begun["id"]]
    assert run("show", begun["id"])["watch"]["state"] == "watching"
    assert "burn rates x 0.5" in runner.invoke(app, ["show", begun["id"]]).output
    assert run("end", begun["id"], "--reason", "enough")["end_reason"] == "enough"
    assert "ended" in runner.invoke(app, ["list"]).output
