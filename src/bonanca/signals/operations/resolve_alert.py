"""End an alert, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.kernel import audit
from bonanca.outbox.operations.publish import publish
from bonanca.signals.events import AlertResolved
from bonanca.signals.models import Alert
from bonanca.signals.state import AlertState


@transaction.atomic
def resolve_alert(
    alert_id: UUID,
    *,
    reason: str,
    ends_at: datetime,
    actor: Actor,
    now: datetime,
    evidence: Mapping[str, Any] | None = None,
    only_if_expired: bool = False,
) -> bool:
    """End a firing alert; return False when it was over already. `reason`: recovered, sender, timeout or withdrawn.

    With `only_if_expired` an alert that was sent again in the meantime goes on.
    """
    burning = Alert.objects.filter(id=alert_id, state=AlertState.FIRING)
    if only_if_expired:
        burning = burning.filter(expires_at__lte=now)
    if not burning.update(state=AlertState.RESOLVED, ends_at=ends_at, seen_at=now):
        return False
    row = Alert.objects.get(id=alert_id)
    row.evidence = {**row.evidence, **(evidence or {}), "resolved_because": reason}
    row.save(update_fields=["evidence"])
    audit.record(
        aggregate=f"alert:{row.id}",
        action="alert.resolved",
        actor=actor.label,
        facts={"reason": reason, "ends_at": ends_at, **(evidence or {})},
        now=now,
    )
    publish(
        AlertResolved(
            alert_id=row.id,
            fingerprint=row.fingerprint,
            service=row.service,
            severity=row.severity,
            summary=row.summary,
            starts_at=row.starts_at,
            ends_at=ends_at,
            slo=row.slo or None,
            labels=dict(row.labels),
            reason=reason,
            summary_phrase=row.summary_phrase,
            door=row.door,
        ),
        now=now,
    )
    return True
