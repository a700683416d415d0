"""The step that every end of a watch shares: a conditional update, an audit entry, an event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.aftercare.events import WatchEnded
from bonanca.aftercare.models import Watch
from bonanca.aftercare.state import WatchState
from bonanca.kernel import audit
from bonanca.outbox.operations.publish import publish
from bonanca.ui.phrases import Words, stored


@transaction.atomic
def finish_watch(
    watch_id: UUID,
    outcome: WatchState,
    *,
    words: Words,
    findings: Sequence[dict[str, Any]] = (),
    alert_id: UUID | None = None,
    alert_open: bool = False,
    actor: Actor,
    now: datetime,
) -> bool:
    """End a watch that is on; False when somebody was first. Who may has been checked."""
    ended: dict[str, Any] = {
        "state": outcome,
        "ended_at": now,
        "ended_by": actor.label,
        "end_reason": "" if stored(words) else str(words)[:500],
        "findings": list(findings),
        "alert_id": alert_id,
        "alert_open": alert_open,
        "found_at": now if findings else None,
    }
    if not Watch.objects.filter(id=watch_id, state=WatchState.WATCHING).update(**ended):
        return False
    row = Watch.objects.get(id=watch_id)
    audit.record(
        aggregate=f"watch:{watch_id}",
        action=f"aftercare.watch.{outcome}",
        actor=actor.label,
        facts={
            "service": row.service,
            "words": str(words),
            "findings": list(findings),
            "alert": alert_id,
            "requests": row.requests,
            "failed": row.failed,
            "checks": row.checks,
            "unseen_s": round(row.unseen_s),
        },
        now=now,
    )
    publish(
        WatchEnded(
            watch_id=watch_id,
            service=row.service,
            outcome=outcome,
            words=stored(words) or str(words),
            at=now,
            actor=actor.shown_name,
            incident_id=row.incident_id,
            plan_id=row.plan_id,
            alert_id=alert_id,
        ),
        now=now,
    )
    return True
