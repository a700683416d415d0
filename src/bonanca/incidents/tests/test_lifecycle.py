"""From detected to closed: which way leads where, who may go it, and what each step leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bonanca.access.actors import SYSTEM, Actor
from bonanca.access.state import Role
from bonanca.incidents import queries
from bonanca.incidents.operations.acknowledge import acknowledge
from bonanca.incidents.operations.assign_commander import assign_commander
from bonanca.incidents.operations.change_severity import change_severity
from bonanca.incidents.operations.close_incident import close_incident
from bonanca.incidents.operations.mark_contained import mark_contained
from bonanca.incidents.operations.mark_mitigated import mark_mitigated
from bonanca.incidents.operations.move import WrongState
from bonanca.incidents.operations.record_timeline import IncidentNotFound
from bonanca.incidents.operations.reopen_incident import reopen_incident
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.incidents.state import OPEN, TRANSITIONS, IncidentState
from bonanca.kernel.errors import Conflict, Invalid, NotAllowed
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens, together

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=5)

VERBS: dict[str, Callable[..., Any]] = {
    "acknowledged": acknowledge,
    "contained": mark_contained,
    "mitigated": mark_mitigated,
    "resolved": resolve_incident,
    "closed": close_incident,
    "reopened": reopen_incident,
}
STAMPS = {"contained": "contained_at", "mitigated": "mitigated_at", "resolved": "resolved_at", "closed": "closed_at"}
# How an incident gets into each state.
PATHS = {
    "detected": (),
    "acknowledged": ("acknowledged",),
    "contained": ("contained",),
    "mitigated": ("mitigated",),
    "resolved": ("resolved",),
    "closed": ("resolved", "closed"),
}


def brought_to(shop: Shop, state: str) -> queries.IncidentView:
    found = shop.open()
    for verb in PATHS[state]:
        VERBS[verb](found.id, actor=shop.ana, now=NOW)
    return queries.get_incident(found.id)


@pytest.mark.parametrize("verb", ["contained", "mitigated", "resolved", "closed"])
def test_each_step_is_stamped_told_and_on_the_timeline(shop: Shop, verb: str) -> None:
    before = brought_to(shop, "resolved" if verb == "closed" else "detected")
    moved = VERBS[verb](before.id, reason="because", actor=shop.beto, now=LATER)
    assert (moved.state, getattr(moved, STAMPS[verb])) == (verb, LATER)
    [event] = events(f"incidents.incident.{verb}")
    assert (event["incident_id"], event["actor"]) == (str(before.id), "Beto Lima")
    assert queries.timeline(before.id)[-1].text.endswith(": because")


@pytest.mark.parametrize("state", PATHS)
@pytest.mark.parametrize("verb", ["contained", "mitigated", "resolved", "closed"])
def test_only_the_ways_of_the_state_machine_can_be_gone(shop: Shop, state: str, verb: str) -> None:
    found = brought_to(shop, state)
    assert found.state == state
    if verb in TRANSITIONS[state]:
        assert VERBS[verb](found.id, actor=shop.ana, now=LATER).state == verb
    else:
        with nothing_happens(), pytest.raises(WrongState):
            VERBS[verb](found.id, actor=shop.ana, now=LATER)


def test_the_open_states_are_those_that_can_still_be_resolved() -> None:
    assert {state for state, targets in TRANSITIONS.items() if IncidentState.RESOLVED in targets} == OPEN


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_from_outside_moves_it_and_an_unknown_one_is_not_found(shop: Shop, verb: str) -> None:
    found = brought_to(shop, "resolved" if verb in ("closed", "reopened") else "detected")
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                VERBS[verb](found.id, actor=outsider, now=LATER)
        with pytest.raises(IncidentNotFound):
            VERBS[verb](uuid4(), actor=shop.ana, now=LATER)


def test_who_acknowledges_first_leads(shop: Shop) -> None:
    found = shop.open()
    taken = acknowledge(found.id, actor=shop.beto, now=LATER)
    assert (taken.state, taken.acknowledged_at, taken.commander_email) == ("acknowledged", LATER, "beto@loja.example")
    with nothing_happens():
        assert acknowledge(found.id, actor=shop.ana, now=LATER + timedelta(minutes=1)) == taken


def test_a_contained_incident_stays_contained_when_it_is_acknowledged(shop: Shop) -> None:
    taken = acknowledge(brought_to(shop, "contained").id, actor=shop.ana, now=LATER)
    assert (taken.state, taken.acknowledged_at) == ("contained", LATER)


def test_a_machine_acknowledges_without_leading(shop: Shop) -> None:
    robot = Actor("token", "ci", "ci", Role.COMMANDER)
    taken = acknowledge(shop.open().id, actor=robot, now=LATER)
    assert (taken.state, taken.commander_name) == ("acknowledged", "")


@pytest.mark.parametrize("state", ["resolved", "closed"])
def test_what_is_over_is_not_acknowledged_any_more(shop: Shop, state: str) -> None:
    found = brought_to(shop, state)
    with nothing_happens(), pytest.raises(WrongState):
        acknowledge(found.id, actor=shop.ana, now=LATER)


def test_reopening_takes_the_end_back(shop: Shop) -> None:
    again = reopen_incident(brought_to(shop, "resolved").id, reason="still fails", actor=shop.ana, now=LATER)
    assert (again.state, again.resolved_at, again.is_open) == ("acknowledged", None, True)
    assert len(events("incidents.incident.reopened")) == 1
    closed = brought_to(shop, "closed")
    with nothing_happens(), pytest.raises(WrongState):
        reopen_incident(closed.id, actor=shop.ana, now=LATER)


def test_an_alerts_incident_is_not_reopened_beside_its_successor(shop: Shop) -> None:
    alert = {"alert_id": uuid4(), "alert_fingerprint": "f1", "actor": SYSTEM("signals")}
    first = shop.open(**alert)
    resolve_incident(first.id, actor=shop.ana, now=NOW)
    second = shop.open(**alert)
    assert second.id != first.id
    with nothing_happens(), pytest.raises(Conflict, match="INC-2"):
        reopen_incident(first.id, actor=shop.ana, now=LATER)


def test_a_commander_is_named_from_the_team(shop: Shop) -> None:
    found = shop.open()
    named = assign_commander(found.id, email=" BETO@loja.example ", actor=shop.ana, now=LATER)
    assert (named.commander_email, named.commander_name) == ("beto@loja.example", "Beto Lima")
    assert queries.timeline(found.id)[-1].text == "Beto Lima is the Incident Commander"
    with nothing_happens():
        assert assign_commander(found.id, email="beto@loja.example", actor=shop.ana, now=LATER) == named
        with pytest.raises(Invalid) as refused:
            assign_commander(found.id, email="caio@estoque.example", actor=shop.ana, now=LATER)
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                assign_commander(found.id, email="beto@loja.example", actor=outsider, now=LATER)
    assert refused.value.field == "email"


def test_severity_changes_with_its_reason(shop: Shop) -> None:
    found = shop.open(severity="high")
    with nothing_happens():
        assert change_severity(found.id, severity="high", reason="", actor=shop.ana, now=LATER) == found
    worse = change_severity(found.id, severity="critical", reason="all fail", actor=shop.beto, now=LATER)
    assert worse.severity == "critical"
    [event] = events("incidents.incident.severity_changed")
    assert (event["before"], event["after"], event["reason"]) == ("high", "critical", "all fail")
    assert queries.timeline(found.id)[-1].text == "Severity high → critical: all fail"


def test_a_severity_is_refused_from_outside_unknown_or_too_late(shop: Shop) -> None:
    found = brought_to(shop, "resolved")
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                change_severity(found.id, severity="low", reason="", actor=outsider, now=LATER)
        with pytest.raises(Invalid) as refused:
            change_severity(found.id, severity="meh", reason="", actor=shop.ana, now=LATER)
        with pytest.raises(WrongState):
            change_severity(found.id, severity="low", reason="", actor=shop.ana, now=LATER)
    assert refused.value.field == "severity"


@pytest.mark.django_db(transaction=True)
def test_two_who_acknowledge_at_once_make_one_leader(shop: Shop) -> None:
    found = shop.open()
    together(*(lambda who=who: acknowledge(found.id, actor=who, now=LATER) for who in (shop.ana, shop.beto)))
    assert len(events("incidents.incident.acknowledged")) == 1
    leader = queries.get_incident(found.id).commander_name
    assert [e.facts["name"] for e in queries.timeline(found.id) if "is on it" in e.text] == [leader]


@pytest.mark.django_db(transaction=True)
def test_two_who_resolve_at_once_resolve_it_once(shop: Shop) -> None:
    found = shop.open()
    outcomes = together(*(lambda: resolve_incident(found.id, actor=shop.ana, now=LATER) for _ in range(2)))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["IncidentView", "WrongState"]
    assert len(events("incidents.incident.resolved")) == 1
