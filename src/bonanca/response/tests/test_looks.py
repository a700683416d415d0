"""One service that hangs holds up no other, is told, and is looked at again when it comes back."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bonanca.catalog.spec import HostSpec, ReplicaSpec, ServiceView, UnitsSpec
from bonanca.kernel.errors import Unavailable
from bonanca.response import looks, worker
from bonanca.response.looks import Found, Looks
from bonanca.response.queries import replicas
from bonanca.running.processes import ProcessRunner
from bonanca.running.state import ReplicaState
from bonanca.running.units import UnitRunner
from bonanca.running.views import SeenReplica
from tests.support.loja import NOW, Shop, bare_service
from tests.support.poll import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


class Asked:
    """How each service answers: at once, with an error, or not before `let_go`."""

    def __init__(self, **moods: str) -> None:
        self.moods, self.times, self.gate = moods, dict.fromkeys(moods, 0), threading.Event()

    def __call__(self, service: ServiceView, now: datetime) -> str:
        mood = self.moods[service.slug]
        self.times[service.slug] += 1
        if mood == "hangs":
            self.gate.wait(60)
        if mood == "fails":
            raise OSError("the disk is gone")
        if mood == "breaks":
            raise KeyError("pid")
        return mood


def told(found: list[Found[str]]) -> dict[str, str]:
    return {one.service.slug: one.found or f"! {one.failure}" for one in found}


def test_the_others_are_looked_at_in_time_and_the_slow_one_is_told() -> None:
    asked = Asked(a="hangs", b="well", c="fails", d="breaks")
    services = [bare_service(slug, slug) for slug in asked.moods]
    rounds = Looks(asked, wait_s=0.3, slow_s=0.5)
    known = {"b": "well", "c": "! the disk is gone", "d": "! KeyError: 'pid'"}
    try:
        eventually(lambda: told(rounds.round(services, NOW)).keys() == asked.moods.keys())
        found = told(rounds.round(services, NOW))
        assert found.pop("a").startswith("! no answer for ")
        assert found == known
        assert (asked.times["a"], asked.times["b"] > 1) == (1, True)
        asked.moods["a"] = "well again"
    finally:
        asked.gate.set()
    eventually(lambda: told(rounds.round(services, NOW)).get("a") == "well again")
    # What came back so late was of no use: it was asked once more.
    assert asked.times["a"] >= 2


def test_what_comes_back_after_its_round_is_told_in_the_next() -> None:
    asked = Asked(a="hangs")
    rounds = Looks(asked, wait_s=0.05, slow_s=60)
    assert rounds.round([bare_service("a", "A")], NOW) == []
    asked.gate.set()
    eventually(lambda: told(rounds.round([bare_service("a", "A")], NOW)) == {"a": "hangs"})


def test_a_service_whose_failure_is_known_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SHORT_S", 0.05)
    asked = Asked(a="fails")
    service = bare_service("a", "A")
    rounds = Looks(asked, wait_s=30, slow_s=60)
    rounds.round([service], NOW)
    asked.moods["a"] = "hangs"
    began = time.monotonic()
    assert told(rounds.round([service], NOW)) == {"a": "! the disk is gone"}
    assert time.monotonic() - began < 10
    asked.gate.set()


def test_a_hanging_unit_does_not_keep_a_process_from_being_started_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole job: one service of two hangs."""
    assert shop.service.run is not None
    shop.declare(run=replace(shop.service.run, command=(), systemd=UnitsSpec("loja@{port}.service")))
    other = replace(
        shop.service,
        slug="estoque-api",
        run=replace(shop.service.run, command=("serve",), systemd=None, replicas=(ReplicaSpec(9101),)),
    )
    hanging, kept = threading.Event(), []
    seen = SeenReplica("estoque-api-9101", 9101, ReplicaState.RUNNING)
    monkeypatch.setattr(UnitRunner, "keep", lambda *_args, **_more: hanging.wait(60))
    monkeypatch.setattr(UnitRunner, "observe", lambda *_args: ())
    monkeypatch.setattr(ProcessRunner, "keep", lambda *_args, **_more: kept.append(1))
    monkeypatch.setattr(ProcessRunner, "observe", lambda *_args: (seen,))
    monkeypatch.setattr(worker, "list_services", lambda: [shop.service, other])
    monkeypatch.setattr(worker, "NEAR", Looks(worker._near, wait_s=0.2, slow_s=0.4))
    try:
        worker.keep_running(NOW)
        assert [one.state for one in replicas(service="estoque-api")] == ["running"]
        assert eventually(lambda: _told(NOW)).startswith("loja-api: no answer for")
        assert len(kept) > 1
    finally:
        hanging.set()
    eventually(lambda: not _told(NOW))


def _told(now: datetime) -> str:
    try:
        worker.keep_running(now)
    except Unavailable as failed:
        return str(failed)
    return ""


def test_one_host_gets_a_few_connections_at_once_unless_those_hang(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.service.run is not None
    monkeypatch.setattr(worker, "TURN_S", 0.2)
    host = HostSpec("deploy", "10.9.9.9", Path("/nowhere/key"), Path("/nowhere/known"), 22)
    far = [
        replace(shop.service, slug=f"s{number}", run=replace(shop.service.run, host=host))
        for number in range(worker.AT_ONE_HOST + 1)
    ]
    gate, inside = threading.Event(), []

    def connect(service: ServiceView) -> None:
        with worker._turn(service):
            inside.append(service.slug)
            gate.wait(60)

    began = time.monotonic()
    threads = [threading.Thread(target=connect, args=(service,)) for service in far]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(inside) == worker.AT_ONE_HOST + 1)
        assert time.monotonic() - began > 0.2
    finally:
        gate.set()
        for thread in threads:
            thread.join()
