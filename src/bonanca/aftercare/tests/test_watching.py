"""A closer look: tighter than usual, for a while, with an end that is recorded (T9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.models import Watch
from bonanca.aftercare.operations.end_watch import WatchOver, end_watch
from bonanca.aftercare.operations.look_at_watches import look_at_watches
from bonanca.aftercare.operations.start_watch import NothingToWatch, start_watch
from bonanca.aftercare.queries import samples_of, watch_of_service, watches
from bonanca.aftercare.state import FindingKind, WatchState
from bonanca.aftercare.tests.watching import EVERY_S, SPEC, Visitors, declare, pass_time, replica, seen
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.incidents.operations.close_incident import close_incident
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.incidents.queries import get_incident, open_incidents, timeline
from bonanca.kernel.errors import Invalid, NotAllowed, NotFound
from bonanca.notify.models import Message
from bonanca.postmortems.drafting import draft
from bonanca.postmortems.queries import evidence_of, postmortem_of
from bonanca.signals.models import SliSample
from bonanca.signals.operations.evaluate_objectives import evaluate_objectives
from bonanca.signals.operations.fire_alerts import NewAlert, fire_alerts
from bonanca.signals.queries import alerts
from tests.support.loja import SLUG, Shop
from tests.support.traces import deliver, events, nothing_happens, together

pytestmark = pytest.mark.django_db


def begin(shop: Shop, visitors: Visitors, **facts: Any) -> Any:
    return start_watch(SLUG, **{"actor": shop.beto, "now": visitors.at, **facts})


def words_of(incident_id: Any) -> str:
    return " | ".join(entry.text for entry in timeline(incident_id))


def test_nothing_that_comes_back_is_recorded_as_calm(shop: Shop, visitors: Visitors) -> None:
    watch = begin(shop, visitors)
    assert (watch.state, watch.until - watch.started_at) == ("watching", timedelta(minutes=15))
    at = pass_time(visitors, 130)
    assert seen(watch).requests > 1000
    assert len(samples_of(watch.id)) == 2
    visitors.come(840)
    pass_time(visitors, 20)
    done = seen(watch)
    assert (done.state, done.findings, done.alert_id) == ("calm", (), None)
    assert done.failed == 0
    # Nobody looked for most of it, and the record says so.
    assert 800 < done.unseen_s < 900
    [event] = events("aftercare.watch.ended")
    assert event["outcome"] == "calm"
    assert watch_of_service(SLUG) is None
    assert at < done.ended_at
    assert alerts() == ()


def test_what_is_tolerated_usually_wakes_somebody_while_it_is_watched(shop: Shop, visitors: Visitors) -> None:
    incident = shop.open(at=visitors.at)
    deliver(visitors.at)
    resolve_incident(incident.id, reason="orders go through", actor=shop.ana, now=visitors.at)
    deliver(visitors.at)
    watch = watch_of_service(SLUG)
    assert watch is not None
    assert (watch.origin, watch.incident_id) == ("incident", incident.id)
    assert "Watched closer for 0.2 h" in words_of(incident.id)
    pass_time(visitors, 30)
    # 7 %: below the usual threshold of 10 times the objective's 1 %, above half of it.
    pass_time(visitors, 30, good=93, failed=7)
    evaluate_objectives(now=visitors.at)
    deliver(visitors.at)
    assert [alert.door for alert in alerts()] == ["watch"]
    back = seen(watch)
    assert (back.state, back.findings[0].kind) == ("returned", FindingKind.BURN)
    [alert] = alerts()
    assert (alert.id, alert.severity, alert.state) == (back.alert_id, "critical", "firing")
    assert "Loja, watched closer: Loja responde: the budget burns" in alert.summary
    assert alert.evidence["findings"][0]["kind"] == "burn"
    # The incident that was over is open again, and who is on call is woken once more.
    assert get_incident(incident.id).state == "acknowledged"
    assert "It is burning again" in words_of(incident.id)
    assert "The closer look found that it is back" in words_of(incident.id)
    pages = Message.objects.filter(purpose="page").order_by("queued_at")
    assert [page.key.split(":")[0] for page in pages] == ["page", "page"]
    assert str(alert.id) in pages[1].key


def test_the_draft_of_the_post_mortem_learns_how_it_went_on(shop: Shop, visitors: Visitors) -> None:
    incident = shop.open(at=visitors.at)
    resolve_incident(incident.id, watch_for_h=0.1, actor=shop.ana, now=visitors.at)
    deliver(visitors.at)
    first = postmortem_of(incident.id)
    assert first is not None
    text = draft(evidence_of(first.id), locale="en", time_zone="UTC")
    visitors.come(420)
    pass_time(visitors, 20)
    after = draft(evidence_of(first.id), locale="en", time_zone="UTC")
    assert "nothing came back" not in text
    assert "nothing came back" in after
    assert "nada voltou" in draft(evidence_of(first.id), locale="pt-br", time_zone="UTC")
    assert "The closer look is over: nothing was seen to come back" in words_of(incident.id)


def test_an_incident_that_was_closed_is_left_and_another_one_opened(shop: Shop, visitors: Visitors) -> None:
    incident = shop.open(at=visitors.at)
    resolve_incident(incident.id, actor=shop.ana, now=visitors.at)
    deliver(visitors.at)
    close_incident(incident.id, actor=shop.ana, now=visitors.at)
    pass_time(visitors, 30, good=9, failed=1)
    assert get_incident(incident.id).state == "closed"
    [other] = open_incidents()
    assert other.alert_id == alerts()[0].id


def test_what_burned_before_is_not_held_against_it(shop: Shop, visitors: Visitors) -> None:
    visitors.come(60, good=5, failed=5)
    watch = begin(shop, visitors, origin="rollback")
    pass_time(visitors, 60)
    assert (seen(watch).state, seen(watch).worst_share) == ("watching", 0.0)


def test_a_burn_in_the_absence_of_every_worker_is_found_afterwards(shop: Shop, visitors: Visitors) -> None:
    watch = begin(shop, visitors)
    pass_time(visitors, 20)
    visitors.come(300, good=9, failed=1)
    visitors.come(300)
    look_at_watches(now=visitors.at)
    back = seen(watch)
    assert (back.state, back.findings[0].kind) == ("returned", "burn")
    assert back.findings[0].at < visitors.at - timedelta(minutes=4)


def test_it_ends_though_no_worker_ran_at_its_end_and_not_before_the_counters_are_read(
    shop: Shop, visitors: Visitors
) -> None:
    watch = begin(shop, visitors)
    pass_time(visitors, 20)
    visitors.at += timedelta(minutes=14)
    # The first look of a worker that came back: the gateway has not been read yet.
    look_at_watches(now=visitors.at)
    assert seen(watch).is_on
    visitors.at -= timedelta(minutes=14)
    visitors.come(14 * 60, good=5, failed=5)
    look_at_watches(now=visitors.at + timedelta(seconds=EVERY_S))
    assert seen(watch).state == "returned"


def test_what_failed_after_its_time_is_not_its_business(shop: Shop, visitors: Visitors) -> None:
    watch = begin(shop, visitors, hours=0.05)
    pass_time(visitors, 20)
    visitors.come(240)
    calm_at = visitors.at
    visitors.come(120, good=9, failed=1)
    look_at_watches(now=calm_at + timedelta(seconds=1))
    look_at_watches(now=calm_at + timedelta(seconds=6))
    assert seen(watch).state == "calm"


def test_counters_that_cannot_be_read_are_told_apart_from_calm(shop: Shop, visitors: Visitors) -> None:
    watch = begin(shop, visitors)
    pass_time(visitors, 20)
    at = visitors.at
    while seen(watch).is_on:
        at += timedelta(seconds=60)
        look_at_watches(now=at)
    done = seen(watch)
    assert done.state == "calm"
    assert done.ended_at >= done.until + timedelta(minutes=10)
    assert done.unseen_s > 1400
    deliver(at)
    assert events("aftercare.watch.ended")[0]["words"]["facts"]["unseen_s"] > 1400


def test_a_check_has_to_fail_twice_in_a_row(shop: Shop, visitors: Visitors) -> None:
    with replica() as (health, run, verify):
        declare(shop, run=run, verify=verify)
        watch = begin(shop, visitors)
        pass_time(visitors, 70)
        assert (seen(watch).checks, seen(watch).failing) == (2, {})
        health.status = 500
        pass_time(visitors, 60)
        assert [*seen(watch).failing.values()] == [1]
        health.status = 200
        pass_time(visitors, 60)
        assert seen(watch).is_on
        health.status = 500
        pass_time(visitors, 120)
    back = seen(watch)
    assert (back.state, back.findings[0].kind) == ("returned", "check")
    assert "HTTP 500, expected 200" in back.findings[0].words
    assert alerts()[0].severity == "high"  # a critical service without an incident


def test_while_a_plan_is_at_work_nothing_is_held_against_the_service(shop: Shop, visitors: Visitors) -> None:
    watch = begin(shop, visitors)
    step = StepSpec("write", "files.write", {"path": "/nowhere", "content": "x"}, "Write", timeout_s=10)
    spec = PlanSpec("rollback", f"service:{SLUG}", "Back", (step,), {"team": "loja"})
    run = start_plan(spec, actor=SYSTEM("test"), now=visitors.at, key="at-work")
    pass_time(visitors, 60, good=0, failed=10)
    assert seen(watch).is_on
    PlanRun.objects.filter(id=run.id).update(state="succeeded", finished_at=visitors.at)
    pass_time(visitors, 60)
    assert seen(watch).is_on
    assert seen(watch).worst_share == 0.0
    pass_time(visitors, 20, good=5, failed=5)
    assert seen(watch).state == "returned"


def test_another_alert_is_evidence_enough(shop: Shop, visitors: Visitors) -> None:
    watch = begin(shop, visitors)
    pass_time(visitors, 10)
    labels = {"alertname": "DiskFull", "service": SLUG, "severity": "high"}
    [alert] = fire_alerts(
        [NewAlert("f9", "alertmanager", SLUG, "high", "Disk is full", visitors.at, labels)],
        actor=SYSTEM("test"),
        now=visitors.at,
    )
    pass_time(visitors, 10)
    back = seen(watch)
    assert (back.state, back.findings[0].kind, back.alert_id) == ("returned", "alert", alert)
    assert len(alerts()) == 1


def test_visitors_who_stay_away_are_an_anomaly(shop: Shop, visitors: Visitors) -> None:
    declare(shop, watch=replace(SPEC, for_h=48.0))
    for minute in range(20):
        at = visitors.at.replace(microsecond=0) - timedelta(days=1) + timedelta(minutes=minute)
        SliSample.objects.create(gateway="default", service=SLUG, at=at, width_s=60, good=600)
    watch = begin(shop, visitors)
    for _ in range(11):
        visitors.come(60, good=0)
        look_at_watches(now=visitors.at)
    back = seen(watch)
    assert (back.state, back.findings[0].kind) == ("returned", "traffic")


def test_its_alert_ends_when_nothing_was_found_for_a_while(shop: Shop, visitors: Visitors) -> None:
    begin(shop, visitors)
    pass_time(visitors, 20, good=5, failed=5)
    assert alerts()[0].state == "firing"
    pass_time(visitors, 250)
    assert alerts()[0].state == "firing"
    pass_time(visitors, 120)
    assert (alerts()[0].state, alerts()[0].evidence["resolved_because"]) == ("resolved", "recovered")
    with nothing_happens():
        look_at_watches(now=visitors.at)


def test_a_person_ends_it_and_says_why(shop: Shop, visitors: Visitors) -> None:
    watch = begin(shop, visitors)
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                end_watch(watch.id, reason="enough", actor=outsider, now=visitors.at)
        with pytest.raises(Invalid):
            end_watch(watch.id, reason=" ", actor=shop.beto, now=visitors.at)
        with pytest.raises(NotFound):
            end_watch(uuid4(), reason="x", actor=shop.ana, now=visitors.at)
    done = end_watch(watch.id, reason="the load test begins", actor=shop.beto, now=visitors.at)
    assert (done.state, done.ended_by, done.end_reason) == ("ended", shop.beto.label, "the load test begins")
    with nothing_happens(), pytest.raises(WatchOver):
        end_watch(watch.id, reason="again", actor=shop.beto, now=visitors.at)


def test_who_may_begin_one_and_what_it_needs(shop: Shop, visitors: Visitors) -> None:
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                begin(shop, visitors, actor=outsider)
        for hours in (0, -1, 1000):
            with pytest.raises(Invalid):
                begin(shop, visitors, hours=hours)
        with pytest.raises(NothingToWatch):
            start_watch("estoque-api", actor=shop.ana, now=visitors.at)


def test_a_team_cannot_watch_for_an_incident_of_another_one(shop: Shop, visitors: Visitors) -> None:
    """A finding would open it again, page its on-call and be told to the public."""
    others = shop.open(service="estoque-api", actor=SYSTEM("test"), at=visitors.at)
    with nothing_happens():
        with pytest.raises(Invalid, match="another service"):
            begin(shop, visitors, incident_id=others.id)
        with pytest.raises(NotFound):
            begin(shop, visitors, incident_id=uuid4())
    watch = begin(shop, visitors)
    with nothing_happens(), pytest.raises(Invalid):
        begin(shop, visitors, incident_id=others.id)
    assert Watch.objects.get(id=watch.id).incident_id is None


def test_a_second_one_makes_the_first_longer_never_shorter(shop: Shop, visitors: Visitors) -> None:
    watch = begin(shop, visitors)
    longer = begin(shop, visitors, hours=5)
    assert (longer.id, longer.until) == (watch.id, visitors.at + timedelta(hours=5))
    assert begin(shop, visitors, hours=1).until == longer.until
    assert len(watches()) == 1
    assert [event["extended"] for event in events("aftercare.watch.started")] == [False, True, True]


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_watch_comes(shop: Shop, visitors: Visitors) -> None:
    made = together(*[lambda: begin(shop, visitors)] * 2)
    assert Watch.objects.filter(state=WatchState.WATCHING).count() == 1, made


def test_the_severity_decides_unless_somebody_says(shop: Shop, visitors: Visitors) -> None:
    for severity, hours, wanted in (("low", None, 0), ("low", 3.0, 1), ("critical", 0.0, 0), ("high", None, 1)):
        incident = shop.open(at=visitors.at, severity=severity)
        resolve_incident(incident.id, watch_for_h=hours, actor=shop.ana, now=visitors.at)
        deliver(visitors.at)
        found = [one for one in watches() if one.is_on]
        assert len(found) == wanted, (severity, hours)
        for one in found:
            end_watch(one.id, reason="next", actor=shop.ana, now=visitors.at)
    incident = shop.open(at=visitors.at)
    with nothing_happens(), pytest.raises(Invalid):
        resolve_incident(incident.id, watch_for_h=-1, actor=shop.ana, now=visitors.at)


def test_a_service_that_is_gone_ends_its_watch(shop: Shop, visitors: Visitors) -> None:
    watch = begin(shop, visitors)
    Watch.objects.filter(id=watch.id).update(service="gone")
    look_at_watches(now=visitors.at + timedelta(seconds=5))
    assert seen(watch).state == "ended"
