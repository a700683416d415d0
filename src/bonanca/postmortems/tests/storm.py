"""A small storm with real counters: sixty calm seconds, forty bad ones, then calm again; contained and rolled back."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from bonanca.incidents.operations.acknowledge import acknowledge
from bonanca.incidents.operations.mark_contained import mark_contained
from bonanca.incidents.operations.mark_mitigated import mark_mitigated
from bonanca.incidents.operations.record_timeline import add_note
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.incidents.operations.set_suspects import set_suspects
from bonanca.incidents.queries import IncidentView
from bonanca.oncall.operations.page import page
from bonanca.oncall.operations.record_delivery import record_delivery
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.contain import contain
from bonanca.response.operations.propose_rollback import propose_rollback
from bonanca.signals.models import Alert
from bonanca.signals.tests.cast import T0, Counters
from tests.support.loja import Shop

BEGAN = T0 + timedelta(seconds=60)


def after(seconds: float) -> datetime:
    """So long after the first failure."""
    return BEGAN + timedelta(seconds=seconds)


def alert() -> UUID:
    """The alert that found it."""
    return Alert.objects.create(
        fingerprint="f1",
        door="slo",
        service="loja-api",
        severity="critical",
        state="firing",
        summary="Loja responde: 30 % of requests fail",
        starts_at=BEGAN,
        detected_at=after(10),
        seen_at=after(10),
    ).id


def storm(shop: Shop, *, title: str = "Checkout fails", note: str = "Looks like the loyalty points") -> IncidentView:
    """The whole of it, to its end two minutes after the first failure."""
    from bonanca.delivery.queries import suspects_for

    counters = Counters()
    counters.scrape()
    counters.run(60)
    counters.run(40, good=7, failed=2, contained=1)
    counters.run(20)
    change = shop.deployed("v2", at=after(-10))
    found = alert()
    incident = shop.open(
        title=title, began=BEGAN, at=after(10), actor=shop.system, alert_id=found, alert_fingerprint="f1"
    )
    given = {"incident_id": incident.id, "number": incident.number, "title": title, "severity": "critical"}
    page(**given, team="loja", actor=shop.system, now=after(11))
    record_delivery(f"page:{incident.id}:ana@loja.example", at=after(12), now=after(12))
    set_suspects(incident.id, suspects_for("loja-api", BEGAN), actor=shop.system, now=after(12))
    acknowledge(incident.id, actor=shop.ana, now=after(20))
    measure = {"action": "disable", "match": "/checkout", "expires_in_s": 600, "reason": "charges twice"}
    contain(incident_id=incident.id, **measure, actor=shop.ana, now=after(30))
    mark_contained(incident.id, reason="checkout is off", actor=shop.ana, now=after(30))
    add_note(incident.id, text=note, actor=shop.beto, now=after(35))
    plan = propose_rollback(change_id=change.id, incident_id=incident.id, actor=shop.beto, now=after(36))
    approve_plan(plan.id, actor=shop.ana, now=after(37))
    mark_mitigated(incident.id, reason=plan.title, actor=shop.ana, now=after(60))
    return resolve_incident(incident.id, reason="orders go through", actor=shop.ana, now=after(120))
