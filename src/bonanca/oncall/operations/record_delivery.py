"""The mail server has taken a page."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bonanca.oncall.events import PageDelivered
from bonanca.oncall.models import Page
from bonanca.outbox.operations.publish import publish


@transaction.atomic
def record_delivery(message_key: str, *, at: datetime, now: datetime) -> bool:
    """Mark the page of a ledger message delivered; False when it is no page or was marked before."""
    page = Page.objects.filter(message_key=message_key, delivered_at__isnull=True).first()
    if page is None or not Page.objects.filter(id=page.id, delivered_at__isnull=True).update(delivered_at=at):
        return False
    publish(PageDelivered(page_id=page.id, incident_id=page.incident_id, name=page.name, at=at), now=now)
    return True
