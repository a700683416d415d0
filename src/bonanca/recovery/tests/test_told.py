"""Why a step failed is read by everybody who sees the plan: it names no rows."""

from __future__ import annotations

import pytest

from bonanca.durable.errors import StepFailed
from bonanca.recovery.steps.support import told
from bonanca.recovery.tests.shop import Shop


def test_a_servers_details_about_rows_are_not_repeated(shop: Shop) -> None:
    shop.run("INSERT INTO products VALUES (4711, 'Ana Souza', 1)")
    for statement, said in (
        ("INSERT INTO products VALUES (4711, 'Rui', 1)", "duplicate key value violates"),
        ("SELECT name::json FROM products WHERE id = 4711", "invalid input syntax for type json"),
    ):
        with pytest.raises(StepFailed, match=said) as failed, told():
            shop.run(statement)
        assert not {word for word in ("4711", "Ana", "Souza") if word in failed.value.message}
