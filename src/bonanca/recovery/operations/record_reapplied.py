"""Record that nobody who was erased is in the data that came back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.kernel.audit import history, record
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import ErasuresReapplied

ACTION = "erasures.reapplied"


@transaction.atomic
def record_reapplied(
    run_id: UUID, service: str, registered: int, back: int, context: dict[str, Any], now: datetime
) -> None:
    """Audit entry and event, once a plan."""
    aggregate = f"erasures:{service}"
    if any(entry.action == ACTION and entry.facts.get("plan") == str(run_id) for entry in history(aggregate)):
        return
    facts = {"plan": str(run_id), "registered": registered, "back": back}
    record(aggregate=aggregate, action=ACTION, actor=SYSTEM("recovery").label, facts=facts, now=now)
    publish(ErasuresReapplied(run_id, service, registered, back, context, now), now=now)
