"""Fixtures of this room. Nothing that needs Django's models is imported before it is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bonanca.catalog.spec import ServiceView
    from bonanca.signals.tests.cast import Counters


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> ServiceView:
    """The catalog holds the shop and a service without gateway or objective."""
    from bonanca.kernel.errors import NotFound
    from bonanca.signals import objectives
    from bonanca.signals.tests.cast import BARE, SHOP

    declared = {one.slug: one for one in (SHOP, BARE)}

    def get_service(slug: str) -> ServiceView:
        if slug not in declared:
            raise NotFound(f"no service {slug}")
        return declared[slug]

    monkeypatch.setattr(objectives.catalog, "list_services", lambda: tuple(declared.values()))
    monkeypatch.setattr(objectives.catalog, "get_service", get_service)
    return SHOP


@pytest.fixture
def counters(db: None, shop: ServiceView) -> Counters:
    """Counters that were scraped once, at T0."""
    from bonanca.signals.tests.cast import Counters

    made = Counters()
    made.scrape()
    return made
