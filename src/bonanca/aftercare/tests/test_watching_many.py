"""Many services are watched at once: one that hangs, or whose answer cannot be kept, holds up no other."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bonanca.aftercare.looking import Look
from bonanca.aftercare.models import Watch
from bonanca.aftercare.operations import look_at_watches as looking
from bonanca.aftercare.operations.look_at_watches import look_at_watches
from bonanca.aftercare.operations.record_look import record_look
from bonanca.aftercare.operations.start_watch import start_watch
from bonanca.aftercare.tests.watching import EVERY_S, Visitors, declare, pass_time, seen
from bonanca.aftercare.views import WatchView
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.catalog.spec import Catalog, DatabaseSpec, ReplicaSpec, RunSpec, TeamSpec, VerifySpec
from bonanca.kernel.errors import Unavailable
from tests.support.loja import NOW, SLUG, Shop, bare_service

pytestmark = pytest.mark.django_db
HEALTH = (VerifySpec("health", http="/health"),)


class Hanging:
    """A replica that takes a connection and says nothing until it is let go."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._go = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._server.accept()[0] as line:
            line.recv(1000)
            self._go.wait(4)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def let_go(self) -> None:
        self._go.set()

    def close(self) -> None:
        self._go.set()
        self._thread.join()
        self._server.close()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.close()


def two_watches(shop: Shop, visitors: Visitors, **changes: Any) -> tuple[WatchView, WatchView]:
    """The shop, as it is declared with these changes, watched first, and the stock after it."""
    declare(shop, **changes)
    closed = (VerifySpec("port", tcp="127.0.0.1:1"),)
    stock = replace(bare_service("estoque-api", "Estoque"), team_slug="estoque", verify=closed)
    teams = (TeamSpec("loja", "Loja"), TeamSpec("estoque", "Estoque"))
    apply_catalog(Catalog(teams, (shop.service, stock)), source="test", actor=shop.system, now=NOW)
    one = start_watch(SLUG, actor=shop.system, now=visitors.at)
    return one, start_watch("estoque-api", actor=shop.system, now=visitors.at)


def test_a_service_that_hangs_keeps_no_other_waiting(
    shop: Shop, visitors: Visitors, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = two_watches(shop, visitors, verify=HEALTH, run=RunSpec((), (ReplicaSpec(hanging.port),)))
    recorded: list[tuple[UUID, tuple[bool, ...]]] = []

    def noted(watch_id: UUID, look: Look) -> None:
        record_look(watch_id, look)
        recorded.append((watch_id, tuple(one.passed for one in look.asked or ())))
        hanging.let_go()

    monkeypatch.setattr(looking, "record_look", noted)
    assert look_at_watches(now=visitors.come(EVERY_S)) == 2
    assert recorded == [(quick.id, (False,)), (slow.id, (True,))]


def test_a_look_that_cannot_be_recorded_is_told_and_holds_up_no_other(
    shop: Shop, visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, other = two_watches(shop, visitors, verify=())

    def record(watch_id: UUID, look: Look) -> None:
        if watch_id == broken.id:
            raise ValueError("a string that cannot be stored")
        record_look(watch_id, look)

    monkeypatch.setattr(looking, "record_look", record)
    with pytest.raises(Unavailable, match="loja-api: a string that cannot be stored"):
        look_at_watches(now=visitors.come(EVERY_S))
    assert (seen(broken).looked_at, seen(other).looked_at) == (None, visitors.at)


def test_a_database_whose_address_is_gone_fails_its_check_and_not_the_look(
    shop: Shop, visitors: Visitors, tmp_path: Path
) -> None:
    check = VerifySpec("orders", sql="SELECT 1", equals=1)
    watch, _other = two_watches(shop, visitors, verify=(check,), database=DatabaseSpec(tmp_path / "gone", "loja"))
    pass_time(visitors, EVERY_S)
    assert seen(watch).failing == {"orders (sql)": 1}
    assert Watch.objects.get(id=watch.id).looked_at == visitors.at
