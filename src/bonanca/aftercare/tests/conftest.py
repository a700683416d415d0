"""Fixtures of this room. Nothing that needs Django's models is imported before it is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bonanca.aftercare.tests.watching import Visitors
    from tests.support.loja import Shop


@pytest.fixture
def visitors(db: None, shop: Shop) -> Visitors:
    """The declared shop and its visitors; it asks for a watch of a quarter of an hour."""
    from bonanca.aftercare.tests.watching import Visitors, declare

    declare(shop)
    return Visitors()
