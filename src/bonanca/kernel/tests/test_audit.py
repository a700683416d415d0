from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from bonanca.kernel import audit

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def write(action: str, aggregate: str = "incident:1") -> str:
    with transaction.atomic():
        return audit.record(aggregate=aggregate, action=action, actor="person:ana", facts={"n": 1}, now=NOW)


@pytest.mark.django_db
def test_an_untouched_chain_verifies() -> None:
    for action in ("opened", "acknowledged", "resolved"):
        write(action)
    write("opened", "incident:2")
    assert list(audit.verify()) == []
    assert [e.sequence for e in audit.history("incident:1")] == [1, 2, 3]


@pytest.mark.django_db
def test_the_database_refuses_to_change_an_entry() -> None:
    write("opened")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_auditentry SET action = 'nothing'")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM kernel_auditentry")


def tamper(statement: str) -> None:
    """Change the table as somebody with the database's own password could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_auditentry DISABLE TRIGGER kernel_auditentry_append_only")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE kernel_auditentry ENABLE TRIGGER kernel_auditentry_append_only")


@pytest.mark.django_db
def test_a_changed_row_is_found_and_named() -> None:
    for action in ("opened", "acknowledged", "resolved"):
        write(action)
    tamper("UPDATE kernel_auditentry SET actor = 'person:beto' WHERE sequence = 2")
    (broken,) = audit.verify()
    assert (broken.aggregate, broken.sequence) == ("incident:1", 2)
    assert "changed" in broken.reason


@pytest.mark.django_db
def test_a_removed_row_is_found() -> None:
    for action in ("opened", "acknowledged", "resolved"):
        write(action)
    tamper("DELETE FROM kernel_auditentry WHERE sequence = 2")
    assert any("missing" in place.reason for place in audit.verify())


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        audit.record(aggregate="incident:1", action="x", actor="person:ana", facts={}, now=NOW)
