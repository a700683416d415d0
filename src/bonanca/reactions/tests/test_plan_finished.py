"""A rollback that was verified has brought the service back; one that stopped says why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bonanca.aftercare.queries import watch_of_service
from bonanca.comms.queries import updates_of
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.incidents.queries import get_incident
from bonanca.reactions.tests.happening import LATER, again, entry, happen
from bonanca.response.events import PlanFinished
from bonanca.response.models import ProposedPlan
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(shop: Shop) -> Any:
    found = shop.open()
    deliver(NOW)
    return found


def finished(incident: Any, **changes: Any) -> PlanFinished:
    facts = {"kind": "rollback", "outcome": "succeeded", "error": "", "title": "Loja back to before v2"}
    row = ProposedPlan.objects.create(
        kind=changes.get("kind", "rollback"), service="loja-api", team="loja", proposed_at=NOW, expires_at=LATER
    )
    given = {"plan_id": row.id, "service": "loja-api", "at": LATER, "incident_id": incident.id}
    return PlanFinished(**{**given, **facts, **changes})


def test_a_verified_rollback_mitigates_and_is_told(shop: Shop, incident: Any) -> None:
    event = finished(incident)
    happen(event)
    again(event)
    after = get_incident(incident.id)
    assert (after.state, after.mitigated_at) == ("mitigated", LATER)
    assert entry(incident.id, "Done and verified: Loja back to before v2").at == LATER
    assert [update.state for update in updates_of(incident.id)] == ["monitoring", "investigating"]


def test_one_that_stopped_says_why_and_mitigates_nothing(shop: Shop, incident: Any) -> None:
    happen(finished(incident, outcome="failed", error="no space left"))
    assert entry(incident.id, "Stopped: ").text == "Stopped: Loja back to before v2. no space left"
    assert get_incident(incident.id).state == "detected"
    assert len(updates_of(incident.id)) == 1


@pytest.mark.parametrize("kind", ["deployment", "undo"])
def test_only_a_rollback_brings_back(shop: Shop, incident: Any, kind: str) -> None:
    happen(finished(incident, kind=kind))
    assert entry(incident.id, "Done and verified")
    assert get_incident(incident.id).state == "detected"


def test_an_incident_that_is_over_stays_so(shop: Shop, incident: Any) -> None:
    resolve_incident(incident.id, actor=shop.ana, now=NOW)
    happen(finished(incident))
    assert get_incident(incident.id).state == "resolved"
    # The public is not told to wait for what is over.
    assert "monitoring" not in [update.state for update in updates_of(incident.id)]


def test_a_plan_about_no_incident_concerns_none(shop: Shop, incident: Any) -> None:
    happen(finished(incident, incident_id=None))
    assert get_incident(incident.id).state == "detected"


def test_after_a_rollback_the_service_is_watched_closer(shop: Shop, incident: Any) -> None:
    event = finished(incident)
    happen(event)
    watch = watch_of_service("loja-api")
    assert watch is not None
    assert (watch.origin, watch.incident_id, watch.plan_id) == ("rollback", incident.id, event.plan_id)
    assert watch.until - watch.started_at == timedelta(hours=24)


def test_what_declares_nothing_to_look_at_is_not_watched(shop: Shop, incident: Any) -> None:
    shop.declare(slos=(), verify=())
    happen(finished(incident))
    assert watch_of_service("loja-api") is None
