"""How replicas are, is told once when it changes; a person starts and stops them with a plan."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from bonanca.access.models import User
from bonanca.actuators.gateway.operations.put_directive import put_directive
from bonanca.actuators.gateway.wire import Backend, Share
from bonanca.catalog.spec import ReplicaSpec, RunSpec
from bonanca.durable.queries import get_run
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Invalid, NotAllowed, NotFound
from bonanca.response.operations.approve_plan import AnotherPlanRuns
from bonanca.response.operations.operate_service import restart_service, shift_traffic, stop_service
from bonanca.response.operations.record_replicas import record_replicas
from bonanca.response.queries import plans, replicas
from bonanca.running.state import ReplicaState
from bonanca.running.views import SeenReplica
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens

pytestmark = pytest.mark.django_db
WELL = SeenReplica("loja-api-9101", 9101, ReplicaState.RUNNING, release="abc")
LOST = SeenReplica("loja-api-9101", 9101, ReplicaState.GIVEN_UP, restarts=5, error="it has ended")


def test_what_did_not_change_is_not_written_again(shop: Shop) -> None:
    assert record_replicas(shop.service, [WELL], now=NOW) == ("loja-api-9101",)
    assert record_replicas(shop.service, [WELL], now=NOW + timedelta(seconds=2)) == ()
    [seen] = replicas(service="loja-api")
    assert (seen.state, seen.since, seen.release) == ("running", NOW, "abc")
    assert record_replicas(shop.service, [], now=NOW) == ()
    assert replicas() == ()


def test_giving_up_and_coming_back_are_told_once_each(shop: Shop) -> None:
    for seen in (WELL, LOST, LOST, SeenReplica("loja-api-9101", 9101, ReplicaState.FAILING)):
        record_replicas(shop.service, [seen], now=NOW)
    assert [event["replica"] for event in events("response.replica.gave_up")] == ["loja-api-9101"]
    record_replicas(shop.service, [LOST], now=NOW)
    record_replicas(shop.service, [WELL], now=NOW)
    record_replicas(shop.service, [WELL], now=NOW)
    assert [event["stopped"] for event in events("response.replica.came_back")] == [False]


def test_a_responder_restarts_and_stops_with_a_plan(shop: Shop) -> None:
    plan = restart_service("loja-api", reason=" it hangs ", actor=shop.beto, now=NOW)
    assert (plan.kind, plan.state, plan.title) == ("restart", "running", "Restart loja-api: it hangs")
    assert get_run(plan.run_id).steps[0].kind == "process.restart"
    with pytest.raises(AnotherPlanRuns):
        stop_service("loja-api", reason="now", actor=shop.beto, now=NOW)
    assert len(plans()) == 1


def test_who_may_not_and_what_cannot_is_refused(shop: Shop) -> None:
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                restart_service("loja-api", reason="now", actor=outsider, now=NOW)
        with pytest.raises(Invalid, match="Say why"):
            stop_service("loja-api", reason=" ", actor=shop.beto, now=NOW)
        with pytest.raises(NotFound):
            stop_service("nothing", reason="now", actor=shop.beto, now=NOW)
    shop.declare(run=RunSpec((), (ReplicaSpec(9101),)))
    with nothing_happens(), pytest.raises(Invalid, match="cannot start or stop"):
        restart_service("loja-api", reason="now", actor=shop.beto, now=NOW)


def test_the_page_shows_who_was_given_up_and_starts_it_again(shop: Shop, client: Client) -> None:
    record_replicas(shop.service, [LOST], now=NOW)
    client.force_login(User.objects.get(email="beto@loja.example"))
    shown = client.get("/services/loja-api/").content.decode()
    assert "desistência: uma pessoa precisa iniciá-la" in shown
    assert "Iniciar loja-api" in shown
    assert client.post("/services/loja-api/operate/", {"reason": ""}).headers["Location"] == "/services/loja-api/"
    answered = client.post("/services/loja-api/operate/", {"reason": "mended", "verb": "restart"})
    [plan] = plans()
    assert answered.headers["Location"] == f"/recovery/{plan.id}/"
    assert (plan.kind, plan.state) == ("restart", "running")
    assert client.get(f"/recovery/{plan.id}/").status_code == 200


def test_requests_are_shared_out_for_a_while_with_a_plan(shop: Shop) -> None:
    given = {"weights": "9101=3 9102=1", "reason": "one is slow", "actor": shop.beto, "now": NOW}
    with nothing_happens():
        for wrong, field in (({"weights": "9109=1"}, "weights"), ({"expires_in_s": 1}, "expires_in_s")):
            with pytest.raises(Invalid) as refused:
                shift_traffic("loja-api", **{"expires_in_s": 600, **given, **wrong})
            assert refused.value.field == field
        with pytest.raises(NotAllowed):
            shift_traffic("loja-api", **{"expires_in_s": 600, **given, "actor": shop.nina})
        with pytest.raises(Invalid, match="behind no gateway"):
            shift_traffic("estoque-api", **{"expires_in_s": 600, **given, "actor": shop.ana})
    plan = shift_traffic("loja-api", expires_in_s=600, **given)
    assert (plan.kind, plan.title) == ("traffic", "Share the requests of loja-api out (9101=3, 9102=1): one is slow")
    [step] = get_run(plan.run_id).steps
    assert (step.kind, step.params["max_s"]) == ("gateway.weights", 600)
    assert [share["weight"] for share in step.params["shares"]] == [3, 1]


def test_the_page_shows_the_shares_and_changes_them(shop: Shop, client: Client) -> None:
    client.force_login(User.objects.get(email="beto@loja.example"))
    assert "9101=1 9102=1" in client.get("/services/loja-api/").content.decode()
    given = {"weights": "9101=3 9102=1", "minutes": "10", "reason": "slow"}
    for wrong in ({"minutes": "-1"}, {"minutes": "9" * 99}, {"weights": "x"}, {"reason": ""}):
        answered = client.post("/services/loja-api/traffic/", {**given, **wrong})
        assert answered.headers["Location"] == "/services/loja-api/"
    answered = client.post("/services/loja-api/traffic/", given)
    [plan] = plans()
    assert answered.headers["Location"] == f"/recovery/{plan.id}/"
    share = Share(3, (Backend("http://127.0.0.1:9101"),))
    now = utc_now()
    put_directive(
        key="k",
        gateway="default",
        service="loja-api",
        kind="weights",
        shares=[share],
        expires_at=now + timedelta(hours=1),
        now=now,
    )
    assert "peso 3" in client.get("/services/loja-api/").content.decode()
