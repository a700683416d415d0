"""Record the state of a service before a change, once everything of it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import PinTaken
from bonanca.recovery.models import Pin
from bonanca.recovery.queries import pin_view
from bonanca.recovery.state import PinKind
from bonanca.recovery.views import PinView

KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True)
class PinnedState:
    """What was kept. Parts that the service does not have are empty. `taken_at` is the database server's clock."""

    taken_at: datetime
    release_sha: str = ""
    config_path: str = ""
    config_sha256: str = ""
    config_mode: int | None = None
    database: str = ""
    copy_name: str = ""
    xid: str = ""
    lsn: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    row_counts: dict[str, int] = field(default_factory=dict)
    size_bytes: int | None = None
    held_seconds: float | None = None
    took_seconds: float | None = None
    kind: PinKind = PinKind.COPY
    method: str = ""
    point: str = ""
    system_identifier: str = ""


def record_pin(
    *,
    service: str,
    change_id: str,
    state: PinnedState,
    key: str,
    actor: Actor,
    now: datetime,
    kept_for: timedelta = KEPT_FOR,
) -> PinView:
    """Record a pin under the key of the step that took it; a second time it is the same pin.

    Raises:
        NotFound: no such service. NotAllowed: the actor may not act on it.
    """
    require(actor, Permission.RESPOND, team=get_service(service).team_slug)
    with transaction.atomic():
        values = {name: getattr(state, name) for name in PinnedState.__dataclass_fields__}
        pin, created = Pin.objects.get_or_create(
            key=key, defaults={"service": service, "change_id": change_id, "expires_at": now + kept_for, **values}
        )
        if created:
            facts = {
                "service": service,
                "change": change_id,
                "release": state.release_sha,
                "config_sha256": state.config_sha256,
                "database": state.copy_name,
                "kind": state.kind,
                "held_seconds": state.held_seconds,
                "took_seconds": state.took_seconds,
            }
            record(aggregate=f"pin:{pin.id}", action="pin.taken", actor=actor.label, facts=facts, now=now)
            publish(PinTaken(pin.id, service, change_id, pin.taken_at, pin.held_seconds), now=now)
    return pin_view(pin)
