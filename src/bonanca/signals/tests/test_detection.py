"""Burn-rate alerts: found within seconds, started when the burn started, over once, one at a time (C14)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import translation

from bonanca.outbox.models import OutboxEvent
from bonanca.signals import objectives, queries
from bonanca.signals.operations.evaluate_objectives import evaluate_objectives
from bonanca.signals.operations.record_scrape_failure import record_scrape_failure
from bonanca.signals.tests.cast import Counters


def evaluate(now: datetime) -> None:
    evaluate_objectives(now=now)


def events(name: str) -> list[dict[str, object]]:
    found = OutboxEvent.objects.filter(name=f"signals.alert.{name}.v1").order_by("occurred_at", "id")
    return [row.payload for row in found]


def firing() -> dict[str, object]:
    return {alert.severity: alert for alert in queries.alerts(state="firing")}


def test_a_burn_is_found_within_ten_seconds_and_dated_to_its_first_bad_second(counters: Counters) -> None:
    began = counters.skip(60)
    assert firing() == {}
    detected = []
    counters.run(10, good=7, failed=3, each=lambda now: (evaluate(now), firing() and detected.append(now)))
    assert detected
    assert (detected[0] - began).total_seconds() <= 10
    critical = firing()["critical"]
    assert critical.starts_at == began.replace(microsecond=0)
    assert critical.service == "loja-api"
    assert critical.evidence["at_detection"]["short"]["bad"] > 0
    for language, words in (("en", "of requests fail"), ("pt-br", "das requisições falham")):
        with translation.override(language):
            assert words in queries.get_alert(critical.id).summary
    [high, critical_event] = sorted(events("firing"), key=lambda e: e["severity"], reverse=True)
    assert critical_event["severity"] == "critical"
    assert high["severity"] == "high"
    assert "30" in critical_event["summary"]
    assert critical_event["slo"] == "loja-availability"


def test_a_burn_is_one_alert_however_often_it_is_asked(counters: Counters) -> None:
    counters.skip(60)
    counters.run(30, good=5, failed=5, each=evaluate)
    assert len(events("firing")) == 2
    assert events("resolved") == []


def test_it_ends_once_the_windows_are_clean_and_a_flap_does_not_end_it(counters: Counters) -> None:
    counters.skip(60)
    counters.run(15, good=5, failed=5, each=evaluate)
    counters.run(7, good=10, each=evaluate)
    counters.run(10, good=5, failed=5, each=evaluate)
    assert len(events("firing")) == 2
    evaluate(counters.skip(200))
    assert firing() == {}
    assert {event["reason"] for event in events("resolved")} == {"recovered"}
    assert len(events("resolved")) == 2


def test_what_answers_well_again_is_at_risk_while_its_alert_ends(counters: Counters) -> None:
    counters.skip(60)
    counters.run(15, good=5, failed=5, each=evaluate)
    assert queries.current("loja-api", counters.at).state == "burning"
    counters.run(12, good=10, each=evaluate)
    assert firing() != {}
    assert queries.current("loja-api", counters.at).state == "at_risk"


def test_contained_requests_keep_burning_because_their_users_failed(counters: Counters) -> None:
    counters.skip(60)
    counters.run(20, good=6, failed=4)
    evaluate(counters.at)
    counters.run(40, good=6, contained=4)
    evaluate(counters.at)
    assert "critical" in firing()
    shown = queries.impact("loja-api", counters.at - timedelta(seconds=60), counters.at)
    assert (shown.failed, shown.contained) == (240, 160)


def test_a_few_bad_requests_in_much_traffic_wake_nobody(counters: Counters) -> None:
    counters.skip(120, good=100)
    counters.run(1, good=90, failed=10, each=evaluate)
    counters.run(20, good=100, each=evaluate)
    assert events("firing") == []


def test_nothing_begins_and_nothing_ends_while_nobody_can_see(counters: Counters) -> None:
    counters.skip(60)
    counters.run(12, good=5, failed=5, each=evaluate)
    for second in range(10, 300, 10):
        now = counters.at + timedelta(seconds=second)
        record_scrape_failure(gateway="default", error="away", now=now)
        evaluate(now)
    assert set(firing()) == {"critical", "high"}
    assert queries.current("loja-api", now).state == "burning"


def test_the_alerts_of_an_objective_that_is_no_longer_declared_end(
    counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters.skip(60)
    counters.run(12, good=5, failed=5, each=evaluate)
    monkeypatch.setattr(objectives.catalog, "list_services", lambda: ())
    evaluate(counters.at)
    assert firing() == {}
    assert {event["reason"] for event in events("resolved")} == {"withdrawn"}


def test_the_audit_chain_tells_when_an_alert_fired_and_ended(counters: Counters) -> None:
    from bonanca.kernel import audit

    counters.skip(60)
    counters.run(12, good=5, failed=5, each=evaluate)
    evaluate(counters.skip(200))
    alert = queries.alerts()[0]
    assert [entry.action for entry in audit.history(f"alert:{alert.id}")] == ["alert.fired", "alert.resolved"]
    assert list(audit.verify()) == []
