"""Remove the contents of failed work when their time is over; keys and outcomes stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.models import Reexecution, ReexecutionItem
from bonanca.aftercare.state import ItemState, ReexecutionState
from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import ReexecutionSpec
from bonanca.kernel import audit


def forget_contents(*, now: datetime) -> int:
    """Forget what lists hold that were made long enough ago and do not run; returns how many lists."""
    declared = {service.slug: service.reexecution for service in list_services()}
    forgotten = 0
    for row in Reexecution.objects.filter(forgotten_at=None).exclude(state=ReexecutionState.RUNNING):
        spec = declared.get(row.service) or ReexecutionSpec()
        if row.listed_at + timedelta(hours=spec.keep_payloads_h) <= now:
            _forget(row, now)
            forgotten += 1
    return forgotten


@transaction.atomic
def _forget(row: Reexecution, now: datetime) -> None:
    idle = Reexecution.objects.filter(id=row.id, forgotten_at=None).exclude(state=ReexecutionState.RUNNING)
    state = ReexecutionState.WITHDRAWN if row.state == ReexecutionState.LISTED else row.state
    if not idle.filter(state=row.state).update(forgotten_at=now, state=state):
        return
    items = ReexecutionItem.objects.filter(reexecution=row)
    # Without its content nothing can be done again: what is left open would be sent empty, under its real key.
    why = _("its content was forgotten before it was done")
    items.filter(state=ItemState.CHOSEN).update(state=ItemState.SKIPPED, reason=why, settled_at=now)
    items.filter(state=ItemState.SENDING).update(state=ItemState.FAILED, reason=why, settled_at=now)
    items.update(content={})
    audit.record(
        aggregate=f"reexecution:{row.id}",
        action="aftercare.reexecution.forgotten",
        actor=SYSTEM("aftercare").label,
        facts={"service": row.service, "listed_at": row.listed_at},
        now=now,
    )
