"""A look at a deployment writes nothing, and says what each way of pinning the data has cost, through every door."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bonanca.catalog.spec import BackupSpec, DatabaseSpec, PhysicalSpec, RollbackSpec, WalSpec
from bonanca.cli.main import run
from bonanca.kernel.errors import NotAllowed
from bonanca.recovery.state import PinKind
from bonanca.response.operations.draw_up_deployment import NotAhead, draw_up_deployment
from tests.support.loja import NOW, Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db


@pytest.fixture
def pinned(shop: Shop) -> Shop:
    """A shop with a database that was pinned twice: by a copy, and by a snapshot."""
    shop.declare(
        database=DatabaseSpec(shop.folder / "dsn", "loja"),
        backup=BackupSpec(24, ("/backups",)),
        rollback=RollbackSpec(pin="snapshot"),
    )
    earlier = shop.deployed("v2", at=NOW - timedelta(days=1))
    kept: dict[str, Any] = {"database": "loja", "copy_name": "loja_pin", "size_bytes": 150_000_000}
    shop.pin(earlier, kind=PinKind.COPY, held_seconds=2.25, took_seconds=4.5, method="clone", **kept)
    shop.pin(earlier, kind=PinKind.SNAPSHOT, held_seconds=0.0, took_seconds=43.2, method="dump", **kept)
    return shop


def test_a_deployment_says_what_its_way_back_costs_before_it_starts(pinned: Shop) -> None:
    change = pinned.propose("v3")
    with nothing_happens():
        draft = draw_up_deployment(change.id, actor=pinned.beto)
        for outsider in pinned.outsiders:
            with pytest.raises(NotAllowed):
                draw_up_deployment(change.id, actor=outsider)
    assert draft.pin is not None
    assert (draft.pin.kind, draft.pin.held_s, draft.pin.took_s) == ("snapshot", 0.0, 43.2)
    assert draft.steps[0].expected_s == 43.2  # what it took the last time, of this kind
    prices = {pin.kind: (pin.held_s, pin.shares_blocks, bool(pin.why_not)) for pin in draft.pins}
    assert prices == {"copy": (2.25, True, False), "snapshot": (0.0, False, False), "log": (None, False, True)}


def test_the_declared_kind_is_what_the_plan_pins(pinned: Shop) -> None:
    from bonanca.response.compilers.deployment import compile_deployment

    change = pinned.propose("v3")
    physical = BackupSpec(24, ("/backups",), physical=PhysicalSpec(wal=WalSpec()))
    for kind in ("copy", "snapshot", "log"):
        service = replace(pinned.service, backup=physical, rollback=RollbackSpec(pin=kind))
        step = compile_deployment(service, change, plan_id="p").steps[0]
        assert step.params["kind"] == kind
        assert (step.timeout_s > 600) is (kind != "copy")  # only a copy holds anybody, so only it must not be long


def test_page_interface_and_command_say_the_same(
    client: Client, pinned: Shop, member: Any, stranger: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    number = pinned.propose("v3").number
    page = reverse("response:deployment", args=[number])
    client.force_login(stranger)
    assert client.get(page).status_code == 403
    client.force_login(member)
    with nothing_happens():
        shown = client.get(page)
        found = client.get(f"/api/v1/changes/{number}/deployment").json()
        assert run(["change", "preview", str(number), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert run(["change", "preview", f"CHG-{number}"]) == 0
        said = capsys.readouterr().out
    assert (
        [pin["kind"] for pin in found["pins"]] == [pin["kind"] for pin in told["pins"]] == ["copy", "snapshot", "log"]
    )
    assert [step["key"] for step in found["steps"]] == [step["key"] for step in told["steps"]]
    assert "2.25" in shown.content.decode().replace(",", ".")
    assert page in client.get(f"/changes/{number}/").content.decode()
    assert "* snapshot" in said
    assert "not measured" in said


def test_what_is_out_is_not_previewed_again(client: Client, shop: Shop, member: Any) -> None:
    change = shop.deployed("v2")
    with pytest.raises(NotAhead):
        draw_up_deployment(change.id, actor=shop.beto)
    client.force_login(member)
    assert client.get(reverse("response:deployment", args=[change.number])).headers["Location"] == "/changes/1/"
