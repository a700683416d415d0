"""Tell the other rooms, in the same transaction that made it true."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from bonanca.kernel.events import Event, to_payload
from bonanca.outbox.models import OutboxEvent

CHANNEL = "bonanca_outbox"


def publish(event: Event, *, now: datetime) -> UUID:
    """Write the event into the outbox; workers are woken when the transaction commits.

    Raises:
        TransactionManagementError: there is no transaction to be part of.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(f"{event.NAME} belongs to the transaction that makes it true")
    row = OutboxEvent.objects.create(name=event.NAME, payload=to_payload(event), occurred_at=now)
    with connection.cursor() as cursor:
        # PostgreSQL delivers a notification at commit, and one for many equal ones.
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return row.id
