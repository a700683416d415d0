"""One storm as the outbox carries it: from an alert to the draft of the post-mortem, nobody calling anybody."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import translation

from bonanca.comms.queries import status_page, updates_of
from bonanca.incidents.operations.acknowledge import acknowledge
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.incidents.queries import get_incident, open_incidents, suspects, timeline
from bonanca.notify.operations import send_due as sending
from bonanca.oncall.queries import pages_of
from bonanca.outbox.queries import waiting
from bonanca.postmortems.queries import evidence_of, postmortem_of
from bonanca.reactions.tests.happening import firing, happen, told
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.contain import contain
from bonanca.response.operations.finish_plan import finish_plan
from bonanca.response.operations.propose_rollback import propose_rollback
from bonanca.response.queries import get_plan
from bonanca.response.tests.plans import end
from bonanca.signals.models import Alert
from bonanca.ui.phrases import said
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


def test_a_storm_walks_through_the_house(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(sending, "deliver", lambda channel, to, subject, body, message_id: sent.append(subject))
    change = shop.deployed("v2", at=NOW)
    began = NOW + timedelta(seconds=10)
    alert = Alert.objects.create(
        fingerprint="f1",
        door="slo",
        service="loja-api",
        severity="critical",
        state="firing",
        summary="30 % fail",
        starts_at=began,
        detected_at=began,
        seen_at=began,
    )
    happen(firing(alert_id=alert.id, starts_at=began), now=NOW + timedelta(seconds=20))
    [incident] = open_incidents()
    sending.send_due(NOW + timedelta(seconds=21))
    deliver(NOW + timedelta(seconds=21))
    assert sent == ["[CRITICAL] INC-1 Loja responde: 30 % of requests fail"]
    assert [page.delivered_at for page in pages_of(incident.id)] == [NOW + timedelta(seconds=21)]
    assert [suspect.change_id for suspect in suspects(incident.id)] == [change.id]
    assert status_page(NOW + timedelta(seconds=21)).indicator == "critical"

    acknowledge(incident.id, actor=shop.ana, now=NOW + timedelta(seconds=30))
    given = {"match": "/checkout", "expires_in_s": 600, "reason": "charges twice", "actor": shop.ana}
    contain(incident_id=incident.id, action="disable", **given, now=NOW + timedelta(seconds=40))
    deliver(NOW + timedelta(seconds=40))
    when = NOW + timedelta(seconds=60)
    plan = propose_rollback(change_id=change.id, incident_id=incident.id, actor=shop.ana, now=when)
    running = approve_plan(plan.id, actor=shop.ana, now=when)
    assert running.run_id is not None
    end(running.run_id, at=NOW + timedelta(seconds=90))
    finish_plan(running.run_id, now=NOW + timedelta(seconds=90))
    deliver(NOW + timedelta(seconds=90))
    assert get_incident(incident.id).state == "mitigated"
    resolve_incident(incident.id, reason="orders go through", actor=shop.ana, now=NOW + timedelta(seconds=120))
    deliver(NOW + timedelta(seconds=120))

    states = [update.state for update in updates_of(incident.id)]
    assert states == ["resolved", "monitoring", "identified", "investigating"]
    moments = [entry.at for entry in timeline(incident.id)]
    assert moments == sorted(moments)
    words = " | ".join(told(incident.id))
    for part in ("Alert: ", "is paged", "accepted by the mail server", "is on it", "/checkout", "approved", "Resolved"):
        assert part in words
    draft = postmortem_of(incident.id)
    assert draft is not None
    seconds = (evidence := evidence_of(draft.id)).detection
    assert (seconds.detect_s, seconds.page_s, seconds.acknowledge_s) == (10.0, 11.0, 20.0)
    assert (seconds.contain_s, seconds.restore_s) == (30.0, 80.0)
    assert (said(evidence.rollback), evidence.containments) == ("Loja back to before v2", ["/checkout"])
    assert waiting() == 0
    _reads_in_portuguese(incident.id, plan.id)


def _reads_in_portuguese(incident_id: UUID, plan_id: UUID) -> None:
    """The same record, read by somebody else: nothing that the software wrote is in one language only."""
    with translation.override("pt-br"):
        portuguese = " | ".join(told(incident_id))
        assert "Loja de volta a antes de v2" in portuguese
        assert "back to before" not in portuguese
        assert get_plan(plan_id).title == "Loja de volta a antes de v2"
