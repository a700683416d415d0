"""How replicas are, is told once when it changes; a person starts and stops them with a plan."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from bonanca.access.models import User
from bonanca.catalog.spec import ReplicaSpec, RunSpec
from bonanca.durable.queries import get_run
from bonanca.kernel.errors import Invalid, NotAllowed, NotFound
from bonanca.response.operations.approve_plan import AnotherPlanRuns
from bonanca.response.operations.operate_service import restart_service, stop_service
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
