"""Containment: typed, with a reason, an end and an undo; the gateway is told in the same transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bonanca.actuators.gateway.fake import FakeGateway
from bonanca.actuators.gateway.queries import active_directives, desired_state
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.incidents.queries import IncidentView
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid, NotAllowed, NotFound
from bonanca.response.operations.contain import AlreadyContained, IncidentNotOpen, contain
from bonanca.response.operations.undo_containment import ContainmentEnded, expire_containments, undo_containment
from bonanca.response.queries import ContainmentView, containments_of
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens, together

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def incident(shop: Shop) -> IncidentView:
    return shop.open()


def contained(shop: Shop, incident: IncidentView, **changes: Any) -> ContainmentView:
    given = {"action": "disable", "match": "/checkout", "expires_in_s": 600, "reason": "charges twice"}
    return contain(**{"incident_id": incident.id, "actor": shop.beto, "now": NOW, **given, **changes})


def test_an_endpoint_is_taken_out_at_the_gateway(shop: Shop, incident: IncidentView) -> None:
    made = contained(shop, incident, match=" /checkout ", reason=" charges twice ")
    assert (made.state, made.is_active, made.match, made.reason) == ("active", True, "/checkout", "charges twice")
    assert made.expires_at == NOW + timedelta(minutes=10)
    [directive] = active_directives("default", now=NOW)
    assert (directive.kind, directive.match, directive.expires_at) == ("disable", "/checkout", made.expires_at)
    [event] = events("response.containment.applied")
    assert (event["containment_id"], event["actor"], event["match"]) == (str(made.id), "Beto Lima", "/checkout")
    [*_, sealed] = audit.history(f"incident:{incident.id}")
    assert (sealed.action, sealed.facts["reason"]) == ("response.containment.applied", "charges twice")
    assert containments_of(incident.id) == (made,)


def test_visitors_get_the_polite_page_and_the_rest_works(shop: Shop, incident: IncidentView) -> None:
    gateway = FakeGateway("default")
    gateway.clock = lambda: NOW
    made = contained(shop, incident)
    gateway.pull(NOW)
    refused = gateway.serve("/checkout/pay")
    assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (503, True)
    assert gateway.serve("/products").status == 200
    undo_containment(made.id, actor=shop.beto, now=LATER)
    gateway.pull(LATER)
    assert gateway.serve("/checkout/pay").status == 200


def test_maintenance_is_for_the_whole_service(shop: Shop, incident: IncidentView) -> None:
    contained(shop, incident, action="maintenance", match="")
    [directive] = active_directives("default", now=NOW)
    assert (directive.kind, directive.match) == ("maintenance", None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"action": "unplug"}, "action"),
        ({"match": ""}, "match"),
        ({"match": "/"}, "match"),
        ({"match": "checkout"}, "match"),
        ({"match": "/check`out"}, "match"),
        ({"match": "/a/../b"}, "match"),
        ({"match": "/" + "x" * 300}, "match"),
        ({"action": "maintenance", "match": "/checkout"}, "match"),
        ({"expires_in_s": 9}, "expires_in_s"),
        ({"expires_in_s": 24 * 3600 + 1}, "expires_in_s"),
        ({"expires_in_s": -(10**12)}, "expires_in_s"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
    ],
)
def test_what_cannot_be_applied_is_refused_by_field(
    shop: Shop, incident: IncidentView, changes: dict[str, Any], field: str
) -> None:
    with nothing_happens(), pytest.raises(Invalid) as refused:
        contained(shop, incident, **changes)
    assert refused.value.field == field


def test_outsiders_and_unknown_incidents_are_refused(shop: Shop, incident: IncidentView) -> None:
    made = contained(shop, incident)
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                contained(shop, incident, match="/cart", actor=outsider)
            with pytest.raises(NotAllowed):
                undo_containment(made.id, actor=outsider, now=LATER)
        with pytest.raises(NotFound):
            contained(shop, incident, incident_id=uuid4())
        with pytest.raises(NotFound):
            undo_containment(uuid4(), actor=shop.beto, now=LATER)


def test_what_is_over_is_not_contained(shop: Shop, incident: IncidentView) -> None:
    resolve_incident(incident.id, actor=shop.ana, now=NOW)
    with nothing_happens(), pytest.raises(IncidentNotOpen):
        contained(shop, incident)


def test_a_service_behind_no_gateway_cannot_be_contained(shop: Shop) -> None:
    other = shop.open(service="estoque-api")
    with nothing_happens(), pytest.raises(Invalid, match="behind no gateway"):
        contained(shop, other, actor=shop.ana)


def test_the_same_measure_is_not_applied_twice(shop: Shop, incident: IncidentView) -> None:
    first = contained(shop, incident)
    with nothing_happens(), pytest.raises(AlreadyContained):
        contained(shop, incident, reason="again")
    contained(shop, incident, match="/cart")
    undo_containment(first.id, actor=shop.beto, now=LATER)
    assert contained(shop, incident, now=LATER).is_active


def test_lifting_lets_requests_through_and_says_who(shop: Shop, incident: IncidentView) -> None:
    made = contained(shop, incident)
    lifted = undo_containment(made.id, actor=shop.ana, now=LATER)
    assert (lifted.state, lifted.ended_at, lifted.ended_by) == ("lifted", LATER, "person:ana@loja.example")
    assert active_directives("default", now=LATER) == ()
    [event] = events("response.containment.lifted")
    assert (event["expired"], event["actor"]) == (False, "Ana Souza")
    with nothing_happens(), pytest.raises(ContainmentEnded):
        undo_containment(made.id, actor=shop.ana, now=LATER)


def test_it_ends_by_itself(shop: Shop, incident: IncidentView) -> None:
    made = contained(shop, incident)
    with nothing_happens():
        assert expire_containments(made.expires_at - timedelta(seconds=1)) == 0
    assert expire_containments(made.expires_at) == 1
    assert [(c.state, c.ended_by) for c in containments_of(incident.id)] == [("expired", "system:gateway")]
    assert [event["expired"] for event in events("response.containment.lifted")] == [True]
    with nothing_happens():
        assert expire_containments(made.expires_at + timedelta(hours=1)) == 0


@pytest.mark.django_db(transaction=True)
def test_two_who_contain_at_once_contain_once(shop: Shop) -> None:
    incident = shop.open()
    outcomes = together(*(lambda: contained(shop, incident) for _ in range(3)))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "AlreadyContained",
        "AlreadyContained",
        "ContainmentView",
    ]
    assert len(active_directives("default", now=NOW)) == len(events("response.containment.applied")) == 1


@pytest.mark.django_db(transaction=True)
def test_lifting_and_expiring_at_once_end_it_once(shop: Shop) -> None:
    made = contained(shop, shop.open())
    together(
        lambda: undo_containment(made.id, actor=shop.ana, now=made.expires_at),
        lambda: expire_containments(made.expires_at),
    )
    assert len(events("response.containment.lifted")) == 1


def test_a_redirect_needs_a_redundant_site_and_is_for_the_whole_service(shop: Shop, incident: IncidentView) -> None:
    with nothing_happens(), pytest.raises(Invalid, match="nowhere to redirect to"):
        contained(shop, incident, action="redirect", match="")
    assert shop.service.gateway is not None
    shop.declare(gateway=replace(shop.service.gateway, standby=("http://10.0.0.2:8080",)))
    with nothing_happens(), pytest.raises(Invalid, match="leave the path empty"):
        contained(shop, incident, action="redirect")
    made = contained(shop, incident, action="redirect", match="")
    [directive] = desired_state("default").directives
    assert (directive.kind, [b.url for b in directive.backends]) == ("redirect", ["http://10.0.0.2:8080"])
    undo_containment(made.id, actor=shop.beto, now=LATER)
    assert desired_state("default").directives == ()


def with_standby(shop: Shop) -> None:
    assert shop.service.gateway is not None
    shop.declare(gateway=replace(shop.service.gateway, standby=("http://10.0.0.2:8080",)))


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ("9101=3 9102=1", [(3, ["9101"]), (1, ["9102"])]),
        ("127.0.0.1:9101=1,  9102=0", [(1, ["9101"]), (0, ["9102"])]),
        ("replicas=90 standby=10", [(90, ["9101", "9102"]), (10, ["8080"])]),
        ("standby=1", [(1, ["8080"])]),
    ],
)
def test_requests_are_shared_out_by_weight(
    shop: Shop, incident: IncidentView, weights: str, shares: list[tuple[int, list[str]]]
) -> None:
    with_standby(shop)
    made = contained(shop, incident, action="weights", match="", weights=weights)
    [directive] = desired_state("default").directives
    assert directive.kind == "weights"
    assert [(s.weight, [b.url.rpartition(":")[2] for b in s.backends]) for s in directive.shares] == shares
    assert made.detail == ", ".join(weights.replace(",", " ").split())
    undo_containment(made.id, actor=shop.beto, now=LATER)
    assert desired_state("default").directives == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weights": ""}, "weights"),
        ({"weights": "9101"}, "weights"),
        ({"weights": "9101=-1"}, "weights"),
        ({"weights": "9101=1001"}, "weights"),
        ({"weights": "9101=0"}, "weights"),
        ({"weights": "9109=1"}, "weights"),
        ({"weights": "9101=1 replicas=1"}, "weights"),
        ({"weights": "standby=1"}, "weights"),
        ({"weights": "9101=1 " * 60}, "weights"),
        ({"weights": "9101=1", "match": "/cart"}, "match"),
        ({"action": "breaker", "threshold_percent": 100}, "threshold_percent"),
        ({"action": "breaker", "threshold_percent": -1}, "threshold_percent"),
        ({"action": "breaker", "weights": "9101=1"}, "weights"),
    ],
)
def test_weights_and_thresholds_that_do_not_fit_are_refused_by_field(
    shop: Shop, incident: IncidentView, changes: dict[str, Any], field: str
) -> None:
    with nothing_happens(), pytest.raises(Invalid) as refused:
        contained(shop, incident, **{"action": "weights", "match": "", **changes})
    assert refused.value.field == field


def test_a_breaker_is_put_on_a_path_or_on_the_whole_service(shop: Shop, incident: IncidentView) -> None:
    assert contained(shop, incident, action="breaker").detail == "50 %"
    contained(shop, incident, action="breaker", match="", threshold_percent=20)
    assert [(d.kind, d.match, d.threshold_percent) for d in desired_state("default").directives] == [
        ("breaker", "/checkout", 50),
        ("breaker", None, 20),
    ]
