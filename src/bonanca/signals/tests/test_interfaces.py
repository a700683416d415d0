"""The same figures through page, panels, API and command line; each only for who may see them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import typer
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from django.utils import translation
from typer.testing import CliRunner

from bonanca.access.actors import person
from bonanca.kernel.clock import utc_now
from bonanca.signals import cli, measurements, panels, queries
from bonanca.signals.operations.evaluate_objectives import evaluate_objectives
from bonanca.signals.tests.cast import Counters
from bonanca.ui.panels import PanelContext, render_panel


@pytest.fixture
def storm(counters: Counters, monkeypatch: pytest.MonkeyPatch) -> Counters:
    """A minute of calm and half a minute in which three of ten requests fail, ending now."""
    for module in (measurements, queries):
        # The interfaces read the clock: a slow machine must not make the last scrape old.
        monkeypatch.setattr(module, "STALE_AFTER", timedelta(hours=1))
    counters.at = utc_now() - timedelta(seconds=91)
    counters.scrape()
    counters.skip(60)
    counters.run(30, good=7, failed=2, contained=1)
    evaluate_objectives(now=counters.at)
    return counters


def text(html: str) -> str:
    return " ".join(html.replace("\xa0", " ").replace("\u202f", " ").split())


@pytest.mark.parametrize(
    ("locale", "words"),
    [("pt-br", ["Objetivos", "Congelado", "Loja responde", "crítico"]), ("en", ["Objectives", "Freeze", "critical"])],
)
def test_the_page_shows_budget_status_and_what_fires(
    client: Client, storm: Counters, stranger: Any, locale: str, words: list[str]
) -> None:
    stranger.locale = locale
    stranger.save()
    client.force_login(stranger)
    answer = client.get("/objectives/")
    assert answer.status_code == 200
    shown = text(answer.content.decode())
    assert [word for word in words if word not in shown] == []


def test_the_page_is_not_green_while_nobody_can_see(client: Client, storm: Counters, owner: Any) -> None:
    from bonanca.signals.operations.record_scrape_failure import record_scrape_failure

    for second in (1, 2, 3):
        record_scrape_failure(gateway="default", error="connection refused", now=storm.at + timedelta(seconds=second))
    client.force_login(owner)
    shown = text(client.get("/objectives/").content.decode())
    assert "não podem ser lidos" in shown
    assert "connection refused" in shown
    assert "desconhecido" in shown
    assert "Congelado" not in shown


def test_the_page_asks_for_a_login(client: Client, db: None) -> None:
    assert client.get("/objectives/").status_code == 302


def test_without_objectives_the_page_says_how_to_begin(
    client: Client, owner: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bonanca.signals import objectives

    monkeypatch.setattr(objectives.catalog, "list_services", lambda: ())
    client.force_login(owner)
    assert "bonanca apply" in client.get("/objectives/").content.decode()


def context(user: Any) -> PanelContext:
    request = RequestFactory().get("/")
    request.user = user
    request._actor = person(user)  # type: ignore[attr-defined]
    return PanelContext(request, person(user), utc_now())


def test_the_panels_draw_the_storm(storm: Counters, stranger: Any) -> None:
    ctx = context(stranger)
    with translation.override("en"):
        moments = [("change", storm.at - timedelta(seconds=40), "change")]
        drawn = text(render_panel("signals:chart", ctx.request, service="loja-api", moments=moments))
        assert "<svg" in drawn
        assert "90 of 900 requests failed" in drawn
        assert "30 of them were answered by a containment" in drawn
        budget = text(render_panel("signals:budget", ctx.request, service="loja-api"))
        assert "of the error budget spent: 90 of 900 requests failed" in budget
        assert "Freeze" in text(render_panel("signals:budget_meter", ctx.request, service="loja-api"))
        now = text(render_panel("signals:now", ctx.request, service="loja-api"))
        assert "burning" in now
        assert "unknown" in text(render_panel("signals:now", ctx.request, service="estoque"))
        assert "no objective" in text(render_panel("signals:budget", ctx.request, service="estoque"))


def test_a_panel_shows_nothing_to_nobody(storm: Counters) -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    for name in ("signals:chart", "signals:budget", "signals:budget_meter", "signals:now"):
        assert render_panel(name, request, service="loja-api") == ""
    assert timedelta(minutes=30) == panels.DEFAULT_SPAN


def test_the_api_answers_the_same_figures(client: Client, storm: Counters, owner: Any) -> None:
    assert client.get("/api/v1/slos").status_code == 401
    client.force_login(owner)
    [slo] = client.get("/api/v1/slos").json()
    assert (slo["slo"], slo["bad"], slo["total"], slo["status"]) == ("loja-availability", 90, 900, "freeze")
    assert client.get("/api/v1/slos/loja-availability").json()["bad"] == 90
    assert client.get("/api/v1/slos/nope").status_code == 404
    whole = client.get("/api/v1/services/loja-api/budget").json()
    assert (whole["status"], whole["state"], len(whole["budgets"])) == ("freeze", "burning", 1)
    assert client.get("/api/v1/services/nope/budget").status_code == 404
    alerts = client.get("/api/v1/alerts?state=firing").json()
    assert {alert["severity"] for alert in alerts} == {"critical", "high"}
    assert client.get(f"/api/v1/alerts/{alerts[0]['id']}").json()["evidence"]["at_detection"]
    assert client.get("/api/v1/alerts?limit=0").status_code == 422
    assert client.get("/api/v1/alerts?state=odd").status_code == 422


@pytest.fixture
def root() -> typer.Typer:
    app = typer.Typer()
    cli.register(app)
    return app


def test_the_command_line_lists_and_shows(storm: Counters, root: typer.Typer) -> None:
    run = CliRunner()
    assert "loja-availability" in run.invoke(root, ["slo", "list"]).output
    assert json.loads(run.invoke(root, ["slo", "list", "--json"]).output)[0]["bad"] == 90
    assert "90 of 9.0 allowed" in run.invoke(root, ["slo", "show", "loja-availability"]).output
    assert json.loads(run.invoke(root, ["slo", "show", "loja-availability", "--json"]).output)["total"] == 900
    assert len(json.loads(run.invoke(root, ["alerts", "list", "--json"]).output)) == 2


def test_the_command_line_raises_and_ends_an_alert(db: None, shop: object, root: typer.Typer) -> None:
    run = CliRunner()
    add = ["alerts", "add", "alertname=DiskFull", "service=loja-api", "--annotation", "summary=Disk is full"]
    assert "the alert fires" in run.invoke(root, add).output
    assert "already" in run.invoke(root, add).output
    [alert] = queries.alerts(state="firing")
    assert (alert.door, alert.summary) == ("manual", "Disk is full")
    assert "over" in run.invoke(root, [*add, "--resolve"]).output
    assert "nothing fires" in run.invoke(root, ["alerts", "list"]).output
    refused = run.invoke(root, ["alerts", "add", "alertname"])
    assert refused.exit_code != 0
    assert "not name=value" in str(refused.exception)
