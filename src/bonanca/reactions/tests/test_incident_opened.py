"""Somebody is woken, the suspects are named, the public is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bonanca.comms.queries import status_page, updates_of
from bonanca.incidents.queries import suspects
from bonanca.notify.queries import messages
from bonanca.oncall.queries import pages_of
from bonanca.reactions.tests.happening import LATER, entry
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver, nothing_happens

pytestmark = pytest.mark.django_db


def test_opening_has_its_three_consequences_once(shop: Shop) -> None:
    change = shop.deployed("v2", at=NOW)
    incident = shop.open(began=NOW + timedelta(minutes=1), at=LATER)
    deliver(LATER)
    [page] = pages_of(incident.id)
    assert (page.email, [m.to for m in messages(prefix="page:")]) == ("ana@loja.example", ["ana@loja.example"])
    assert [suspect.change_id for suspect in suspects(incident.id)] == [change.id]
    assert entry(incident.id, "Suspected change: Release v2")
    assert [update.state for update in updates_of(incident.id)] == ["investigating"]
    assert status_page(LATER).components[0].state == "major_outage"
    with nothing_happens():
        deliver(LATER + timedelta(days=1))


def test_one_consequence_that_fails_does_not_hold_up_the_others(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from bonanca.outbox.dispatch import dispatch_due
    from bonanca.outbox.queries import failed_deliveries
    from bonanca.reactions import incident_opened

    def broken(*_: object) -> None:
        raise RuntimeError("git is gone")

    monkeypatch.setattr(incident_opened, "suspects_for", broken)
    incident = shop.open(at=LATER)
    dispatch_due(LATER)
    assert [(f.subscriber, "git is gone" in f.error) for f in failed_deliveries()] == [("name_suspects", True)]
    assert len(pages_of(incident.id)) == len(updates_of(incident.id)) == 1
