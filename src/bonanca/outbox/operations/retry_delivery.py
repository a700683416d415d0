"""Try a failed delivery again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict, NotFound
from bonanca.outbox.models import Delivery
from bonanca.outbox.state import DeliveryState


@transaction.atomic
def retry_delivery(delivery_id: int, *, actor: Actor, now: datetime) -> None:
    """Make a failed delivery due again.

    Raises:
        NotFound: there is no such delivery.
        Conflict: it is not failed (any more).
    """
    require(actor, Permission.ADMINISTER)
    changed = Delivery.objects.filter(id=delivery_id, state=DeliveryState.FAILED).update(
        state=DeliveryState.PENDING, attempts=0, next_attempt_at=now
    )
    if not changed:
        if not Delivery.objects.filter(id=delivery_id).exists():
            raise NotFound(_("There is no such delivery."))
        raise Conflict(_("This delivery is not failed."))
    audit.record(
        aggregate=f"delivery:{delivery_id}", action="outbox.delivery.retried", actor=actor.label, facts={}, now=now
    )
