"""It is over: the public is told, and learning begins."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bonanca.comms.queries import status_page, updates_of
from bonanca.incidents.operations.reopen_incident import reopen_incident
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.postmortems.queries import postmortem_of
from bonanca.reactions.tests.happening import LATER
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver, events

pytestmark = pytest.mark.django_db


def test_the_end_is_told_and_drafted(shop: Shop) -> None:
    incident = shop.open()
    resolve_incident(incident.id, actor=shop.ana, now=LATER)
    deliver(LATER)
    assert [update.state for update in updates_of(incident.id)] == ["resolved", "investigating"]
    assert status_page(LATER).indicator == "none"
    draft = postmortem_of(incident.id)
    assert draft is not None
    assert (draft.state, draft.drafted_at) == ("draft", LATER)


def test_a_second_end_is_told_again_and_refreshes_the_draft(shop: Shop) -> None:
    incident = shop.open()
    for minutes in (0, 10):
        resolve_incident(incident.id, actor=shop.ana, now=NOW + timedelta(minutes=minutes))
        deliver(NOW + timedelta(minutes=minutes))
        if minutes == 0:
            reopen_incident(incident.id, actor=shop.ana, now=LATER)
            deliver(LATER)
    states = [update.state for update in updates_of(incident.id)]
    assert states[:3] == ["resolved", "investigating", "resolved"]
    draft = postmortem_of(incident.id)
    assert draft is not None
    assert draft.drafted_at == NOW + timedelta(minutes=10)
    assert len(events("postmortems.postmortem.drafted")) == 1
