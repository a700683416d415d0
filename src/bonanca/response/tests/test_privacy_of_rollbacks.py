"""A rollback of data asks before the pause, erases before the swap, and looks once more before anybody comes in."""

from __future__ import annotations

import pytest

from bonanca.catalog.spec import DatabaseSpec, ErasureSpec, PrivacySpec, RowsAtRisk
from bonanca.response.compilers.rollback import Occasion, compile_rollback
from tests.support.loja import Shop

pytestmark = pytest.mark.django_db

PRIVACY = PrivacySpec(ErasureSpec("SELECT %(reference)s", ("SELECT %(reference)s",)))


def steps_of(shop: Shop, strategy: str) -> list[str]:
    pin = shop.pin(shop.propose())
    plan = compile_rollback(shop.service, pin, Occasion("back", "p", strategy=strategy))
    assert all(step.expected_s is not None for step in plan.steps if step.kind.startswith("recovery.re"))
    return [step.key for step in plan.steps]


def test_a_rollback_of_data_asks_erases_and_looks_again(shop: Shop) -> None:
    database = DatabaseSpec(shop.folder / "dsn", "loja", (RowsAtRisk("orders", "number", "created_at"),))
    shop.declare(database=database, privacy=PRIVACY, replay=("{python}", "-m", "replay"))
    keys = steps_of(shop, "instant")
    order = ("copy", "review", "stop", "erasures", "data", "set_aside", "reapply", "erased", "open")
    found = [keys.index(key) for key in order if key in keys]
    assert found == sorted(found)
    assert {"review", "erasures", "erased"} <= set(keys)
    assert not {"review", "erasures", "erased"} & set(steps_of(shop, "keep_data"))


def test_without_a_declaration_nothing_is_asked(shop: Shop) -> None:
    shop.declare(database=DatabaseSpec(shop.folder / "dsn", "loja"))
    assert "review" not in steps_of(shop, "instant")
