"""The pages of an incident that somebody took on have their answer."""

from __future__ import annotations

import pytest

from bonanca.incidents.operations.acknowledge import acknowledge
from bonanca.oncall.queries import pages_of
from bonanca.reactions.tests.happening import LATER
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


def test_taking_it_on_answers_the_page(shop: Shop) -> None:
    incident = shop.open()
    deliver(NOW)
    acknowledge(incident.id, actor=shop.ana, now=LATER)
    deliver(LATER)
    assert [page.acknowledged_at for page in pages_of(incident.id)] == [LATER]
