"""The public page: is it me? Nothing internal leaks, nobody has to sign in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from bonanca.access.actors import SYSTEM
from bonanca.comms.operations.publish_update import INVESTIGATING, publish_update
from bonanca.comms.queries import status_page
from bonanca.incidents.operations.mark_mitigated import mark_mitigated
from bonanca.incidents.operations.record_timeline import add_note
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.incidents.queries import IncidentView
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db
SECRETS = ("Senha do banco vazou", "culpa do Beto", "ana@loja.example", "Ana Souza", "loja-api", "INC-1")


def told(shop: Shop, **facts: Any) -> IncidentView:
    found = shop.open(**facts)
    publish_update(found.id, state="investigating", text=INVESTIGATING, actor=SYSTEM("comms"), now=found.detected_at)
    return found


def test_when_nothing_burns_everything_works(shop: Shop) -> None:
    page = status_page(NOW)
    assert (page.indicator, page.current, page.past) == ("none", (), ())
    [component] = page.components
    assert (component.name, component.state, len(component.days)) == ("Compras", "operational", 90)
    assert page.sentence.startswith("Everything works")


@pytest.mark.parametrize(
    ("severity", "state", "indicator"),
    [
        ("critical", "major_outage", "critical"),
        ("high", "degraded_performance", "major"),
        ("medium", "degraded_performance", "major"),
        ("low", "operational", "none"),
    ],
)
def test_a_component_looks_as_bad_as_what_burns(shop: Shop, severity: str, state: str, indicator: str) -> None:
    incident = told(shop, severity=severity)
    page = status_page(NOW)
    assert (page.components[0].state, page.indicator) == (state, indicator)
    [current] = page.current
    assert (current.number, current.title, current.state) == (1, "Trouble with Compras", "investigating")
    assert "Compras" in page.sentence or severity == "low"
    mark_mitigated(incident.id, actor=shop.ana, now=NOW)
    watched = "operational" if severity == "low" else "degraded_performance"
    assert status_page(NOW).components[0].state == watched


def test_the_worst_of_several_counts(shop: Shop) -> None:
    told(shop, severity="low")
    told(shop, severity="critical")
    assert status_page(NOW).components[0].state == "major_outage"


def test_what_is_over_is_past_and_says_so(shop: Shop) -> None:
    incident = told(shop)
    resolve_incident(incident.id, actor=shop.ana, now=NOW + timedelta(minutes=9))
    page = status_page(NOW + timedelta(minutes=10))
    assert (page.indicator, page.current) == ("none", ())
    [past] = page.past
    assert (past.state, past.resolved_at) == ("resolved", NOW + timedelta(minutes=9))


def test_an_incident_is_public_once_something_was_said(shop: Shop) -> None:
    shop.open()
    page = status_page(NOW)
    assert (page.indicator, page.current) == ("none", ())
    assert sum(day.minutes_affected for day in page.components[0].days) == 0


def test_a_service_that_customers_do_not_know_is_not_shown(shop: Shop) -> None:
    told(shop, service="estoque-api", actor=shop.ana)
    page = status_page(NOW)
    assert ([c.slug for c in page.components], page.current) == (["loja-api"], ())


def test_the_days_show_how_long_it_was_disturbed(shop: Shop) -> None:
    # 23:50 to 00:20 in São Paulo.
    began = NOW.replace(hour=2, minute=50, second=0)
    told(shop, began=began, at=began)
    until = began + timedelta(minutes=30)
    with translation.override("pt-br"):
        yesterday, today = status_page(until).components[0].days[-2:]
    assert (yesterday.minutes_affected, today.minutes_affected) == (10, 20)


def test_two_incidents_at_once_do_not_make_a_day_longer(shop: Shop) -> None:
    for _ in range(2):
        told(shop, began=NOW - timedelta(minutes=10))
    assert status_page(NOW).components[0].days[-1].minutes_affected == 10


def test_updates_are_in_the_readers_language_unless_a_person_wrote_them(shop: Shop) -> None:
    found = told(shop)
    publish_update(found.id, state="identified", text="It is over. Everything works as usual.", actor=shop.ana, now=NOW)
    [current] = status_page(NOW).current
    assert [update.text for update in current.updates] == ["It is over. Everything works as usual.", INVESTIGATING]
    assert current.updates[1].state_label == "investigating"


@pytest.fixture
def leaky(shop: Shop) -> IncidentView:
    """An incident full of what is nobody's business."""
    found = told(shop, title=SECRETS[0])
    add_note(found.id, text=SECRETS[1], actor=shop.beto, now=NOW)
    return found


@pytest.mark.parametrize("language", ["pt-br", "en"])
def test_anybody_reads_the_page_and_nothing_internal_is_in_it(
    client: Client, leaky: IncidentView, language: str
) -> None:
    answer = client.get("/status/", headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert "max-age=5" in answer.headers["Cache-Control"]
    shown = answer.content.decode()
    assert "Compras" in shown
    assert [secret for secret in SECRETS[:4] if secret in shown] == []


def test_machines_read_the_shape_that_they_know(client: Client, leaky: IncidentView) -> None:
    answer = client.get("/status/api/v2/summary.json", headers={"Accept-Language": "en"})
    body = answer.json()
    assert body.keys() == {"page", "status", "components", "incidents", "scheduled_maintenances"}
    assert body["page"]["url"].endswith("/status/")
    assert body["status"]["indicator"] == "critical"
    assert body["components"] == [{"id": "loja-api", "name": "Compras", "status": "major_outage"}]
    [incident] = body["incidents"]
    assert incident.keys() == {"id", "name", "status", "started_at", "resolved_at", "incident_updates"}
    assert (incident["id"], incident["status"]) == (str(leaky.id), "investigating")
    [update] = incident["incident_updates"]
    assert update.keys() == {"id", "status", "body", "created_at"}
    assert [secret for secret in SECRETS[:4] if secret in answer.content.decode()] == []


def test_a_persons_words_are_text_and_not_markup(client: Client, shop: Shop) -> None:
    found = told(shop)
    publish_update(found.id, state="identified", text="<script>alert(1)</script>", actor=shop.ana, now=NOW)
    shown = client.get("/status/").content.decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown
