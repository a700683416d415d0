"""Tell the workers that there is something to carry out."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

CHANNEL = "bonanca_plans"


def wake(run_id: UUID) -> None:
    """Wake a worker when the caller's transaction commits; a rollback wakes nobody."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(run_id)])
