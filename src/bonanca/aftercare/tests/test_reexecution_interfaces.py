"""Running failed work again through pages, API and command line: the same verbs, the same refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.aftercare.cli.reexecute import app
from bonanca.aftercare.models import ReexecutionItem
from bonanca.aftercare.operations.list_failed import list_failed
from bonanca.aftercare.queries import get_reexecution, items_of, reexecutions
from bonanca.aftercare.tests.working import END, LATER, T0, log_of, request, spec
from tests.support.loja import SLUG, Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db
API = "/api/v1/reexecutions"
PERIOD = {"since": "2026-03-01 09:00", "until": "2026-03-01 10:00"}  # in the zone of the person, three hours behind


@pytest.fixture
def source(shop: Shop, tmp_path: Path) -> None:
    shop.declare(reexecution=spec(log_of(tmp_path / "log", *(request(n) for n in range(1, 4)))))


@pytest.fixture
def beto(client: Client, member: Any) -> Client:
    client.force_login(member)
    return client


def test_the_pages_list_choose_start_and_report(beto: Client, shop: Shop, source: None) -> None:
    incident = shop.open()
    assert "Reexecutar o que falhou…" in beto.get(f"/incidents/{incident.number}/").content.decode()
    made = beto.post("/reexecutions/", {"service": SLUG, **PERIOD})
    [found] = reexecutions()
    page = f"/reexecutions/{found.id}/"
    assert (made.status_code, made.headers["Location"]) == (302, page)
    text = beto.get(page).content.decode()
    for words in ("r-0001", "POST /checkout 500", "Reexecutar 3 de loja-api", "Por fonte"):
        assert words in text
    assert "c-1" not in text
    assert '<th scope="col" class="number">falhou</th>' not in text
    first = items_of(found.id)[0]
    beto.post(f"{page}leave/", {"scope": "chosen", "item": [str(first.id)], "reason": "um teste"})
    beto.post(f"{page}leave/", {"scope": "chosen"})
    beto.post(f"{page}leave/", {"scope": "filter", "matching": "r-0002"})
    assert get_reexecution(found.id).left == 1
    beto.post(f"{page}take/", {"scope": "filter"})
    beto.post(f"{page}leave/", {"scope": "chosen", "item": [str(first.id)], "reason": "um teste"})
    assert "um teste" in beto.get(f"{page}?state=skipped").content.decode()
    beto.post(f"{page}start/", {"rate_per_s": "x", "stop_percent": "20"})
    assert get_reexecution(found.id).waits
    beto.post(f"{page}start/", {"rate_per_s": "5", "stop_percent": "20"})
    assert "Andamento" in beto.get(page).content.decode()
    report = beto.get(f"{page}report.csv")
    assert b"".join(report).decode().splitlines()[1].startswith("checkout,r-0001,")
    assert beto.get(f"{page}report.csv?contents=1").status_code == 200
    lists = beto.get("/reexecutions/").content.decode()
    assert SLUG in lists
    assert "1 mar. 2026 09:00 – 10:00" in lists


def test_the_form_says_what_is_wrong(beto: Client, shop: Shop, source: None) -> None:
    with nothing_happens():
        for given in ({}, {"since": "?"}, {"incident": "9"}, {"since": PERIOD["until"], "until": PERIOD["since"]}):
            assert beto.post("/reexecutions/", {"service": SLUG, **given}).status_code == 422


def test_the_api(beto: Client, shop: Shop, source: None) -> None:
    def post(path: str, body: Any = None) -> Any:
        return beto.post(path, body or {}, content_type="application/json")

    period = {"since": T0.isoformat(), "until": END.isoformat()}
    made = post(API, {"service": SLUG, **period})
    assert (made.status_code, made.json()["counts"]["chosen"]) == (201, 3)
    one = f"{API}/{made.json()['id']}"
    assert beto.get(API).json() == [beto.get(one).json()]
    assert [item["key"] for item in beto.get(f"{one}/items?matching=0002").json()] == ["r-0002"]
    with nothing_happens():
        assert post(API, {"service": "estoque-api", **period}).status_code in (403, 422)
        assert post(API, {"service": SLUG}).json()["error"]["field"] == "since"
        assert post(f"{one}/start", {"rate_per_s": -1}).json()["error"]["field"] == "rate_per_s"
    assert post(f"{one}/choose", {"take": False, "matching": "0001"}).json()["counts"]["skipped"] == 1
    assert post(f"{one}/start").status_code == 202
    assert post(f"{one}/withdraw").status_code == 409
    assert beto.get(f"{one}/report").content.decode().count("checkout,") == 3


def test_the_command_line(shop: Shop, source: None, tmp_path: Path) -> None:
    runner = CliRunner()

    def run(*words: str) -> Any:
        done = runner.invoke(app, [*words, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.output)

    found = run("find", SLUG, "--since", "2026-03-01T12:00", "--until", "2026-03-01T13:00:00")
    assert run("list")[0]["id"] == found["id"]
    assert run("choose", found["id"], "--leave-out", "--matching", "0001")["counts"]["skipped"] == 1
    assert len(run("show", found["id"], "--items", "10", "--state", "chosen")["items"]) == 2
    assert "checkout: 2 chosen, 1 skipped" in runner.invoke(app, ["show", found["id"]]).output
    assert run("start", found["id"], "--rate", "2")["state"] == "running"
    out = tmp_path / "report.csv"
    assert runner.invoke(app, ["report", found["id"], "--out", str(out)]).exit_code == 0
    assert out.read_text().count("checkout,") == 3
    other = list_failed(SLUG, since=T0, until=END, actor=shop.beto, now=LATER)
    assert run("withdraw", str(other.id))["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("reason", "brief"),
    [
        ("HTTP 422 o CPF de Ana Lima não vale", "HTTP 422"),
        ("UniqueViolation: ana@example.org is there", "UniqueViolation"),
        ("Ana Lima não vale", ""),
    ],
)
def test_what_the_service_said_is_for_those_who_may_act(
    client: Client, shop: Shop, source: None, member: Any, stranger: Any, reason: str, brief: str
) -> None:
    found = list_failed(SLUG, since=T0, until=END, actor=shop.beto, now=LATER)
    ReexecutionItem.objects.filter(key="r-0001").update(state="failed", reason=reason)
    page, one = f"/reexecutions/{found.id}/", f"{API}/{found.id}"
    client.force_login(member)
    for url in (page, f"{page}report.csv", f"{one}/items", f"{one}/report"):
        assert "Ana Lima" in text_of(client, url) or "ana@example" in text_of(client, url)
    client.force_login(stranger)
    for url in (page, f"{page}report.csv", f"{one}/items", f"{one}/report"):
        text = text_of(client, url)
        assert "r-0001" in text
        assert brief in text
        assert "Ana Lima" not in text
        assert "ana@example" not in text


def text_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    content = b"".join(answer) if answer.streaming else answer.content
    return content.decode() if b"\\u" not in content else json.dumps(json.loads(content), ensure_ascii=False)
