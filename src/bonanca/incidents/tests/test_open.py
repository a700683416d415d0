"""Opening an incident: who may, what is refused, and one incident however many alerts speak of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.incidents import queries
from bonanca.incidents.operations.open_incident import open_incident
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid, NotAllowed, NotFound
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens, together

pytestmark = pytest.mark.django_db


def from_alert(shop: Shop, **facts: Any) -> queries.IncidentView:
    given = {"alert_id": uuid4(), "alert_fingerprint": "f1", "source": "alert", "actor": SYSTEM("signals"), **facts}
    return shop.open(**given)


def test_a_person_of_the_team_opens_one_and_everybody_is_told(shop: Shop) -> None:
    began = NOW - timedelta(seconds=40)
    opened = shop.open(actor=shop.beto, began=began, title="  Checkouts fail ")
    assert (opened.number, opened.label, opened.title) == (1, "INC-1", "Checkouts fail")
    assert (opened.state, opened.is_open, opened.severity, opened.short_severity) == (
        "detected",
        True,
        "critical",
        "SEV1",
    )
    assert (opened.started_at, opened.detected_at, opened.team) == (began, NOW, "loja")
    assert queries.get_incident(opened.id) == queries.by_number(1) == opened
    [entry] = queries.timeline(opened.id)
    assert (entry.text, entry.kind, entry.actor) == ("Incident opened: Checkouts fail", "decision", "Beto Lima")
    [event] = events("incidents.incident.opened")
    assert (event["incident_id"], event["service"], event["alert_id"]) == (str(opened.id), "loja-api", None)
    assert event["started_at"].startswith(began.isoformat()[:19])
    [sealed] = audit.history(f"incident:{opened.id}")
    assert (sealed.actor, sealed.facts["facts"]["title"]) == ("person:beto@loja.example", "Checkouts fail")


def test_without_a_measured_start_it_began_when_it_was_noticed(shop: Shop) -> None:
    assert shop.open().started_at == NOW


def test_numbers_follow_each_other(shop: Shop) -> None:
    assert [shop.open().number for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"title": "   "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"severity": "terrible"}, "severity"),
        ({"began": NOW + timedelta(seconds=1)}, "started_at"),
    ],
)
def test_what_cannot_be_accepted_is_named_and_leaves_nothing(shop: Shop, facts: dict[str, Any], field: str) -> None:
    with nothing_happens(), pytest.raises(Invalid) as refused:
        shop.open(**facts)
    assert refused.value.field == field


def test_outsiders_and_unknown_services_are_refused(shop: Shop) -> None:
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                shop.open(actor=outsider)
        with pytest.raises(NotFound) as unknown:
            shop.open(service="nowhere")
    assert unknown.value.field == "service"


def test_a_second_alert_belongs_to_the_incident_that_is_open(shop: Shop) -> None:
    first = from_alert(shop)
    assert from_alert(shop, alert_fingerprint="f2", title="Also slow") == first
    assert len(events("incidents.incident.opened")) == 1
    resolve_incident(first.id, actor=shop.ana, now=NOW)
    assert from_alert(shop).number == 2


def test_an_alert_joins_what_a_person_has_opened(shop: Shop) -> None:
    opened = shop.open()
    assert from_alert(shop).id == opened.id


def test_a_person_may_open_another_one_beside_it(shop: Shop) -> None:
    first = from_alert(shop)
    second = shop.open(title="Something else", severity="low")
    assert [i.id for i in queries.open_incidents()] == [first.id, second.id]
    assert queries.incident_for_service("loja-api") == first


def test_what_burns_is_listed_worst_first(shop: Shop) -> None:
    for severity in ("low", "critical", "high"):
        shop.open(severity=severity)
    assert [i.severity for i in queries.open_incidents()] == ["critical", "high", "low"]
    assert [i.severity for i in queries.recent_incidents(service="loja-api")] == ["high", "critical", "low"]
    assert queries.recent_incidents(service="estoque-api") == ()


@pytest.mark.django_db(transaction=True)
def test_alerts_that_race_open_one_incident(shop: Shop) -> None:
    def alert(fingerprint: str) -> Any:
        return open_incident(
            title=f"Alert {fingerprint}",
            service="loja-api",
            severity="critical",
            actor=SYSTEM("signals"),
            now=NOW,
            source="alert",
            alert_id=uuid4(),
            alert_fingerprint=fingerprint,
        )

    found = together(*(lambda n=n: alert(f"f{n}") for n in range(4)))
    assert len({incident.id for incident in found}) == 1
    assert len(queries.recent_incidents()) == len(events("incidents.incident.opened")) == 1


@pytest.mark.django_db(transaction=True)
def test_people_who_race_get_numbers_without_a_gap(shop: Shop) -> None:
    found = together(*(lambda: shop.open() for _ in range(4)))
    assert sorted(incident.number for incident in found) == [1, 2, 3, 4]
