"""Who was paged when is evidence, and so is that nobody was."""

from __future__ import annotations

import pytest

from bonanca.oncall.events import NobodyOnCall
from bonanca.reactions.tests.happening import LATER, again, entry, happen
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


def test_who_is_woken_is_told(shop: Shop) -> None:
    incident = shop.open()
    deliver(NOW)
    found = entry(incident.id, "is paged")
    assert (found.text, found.kind, found.at) == ("Ana Souza is paged by e-mail", "message", NOW)


def test_that_nobody_is_on_call_is_told_once(shop: Shop) -> None:
    incident = shop.open()
    happen(NobodyOnCall(incident.id, "loja"))
    again(NobodyOnCall(incident.id, "loja"))
    assert entry(incident.id, "Nobody of the team loja is on call").at == LATER
