"""Somebody has answered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from bonanca.oncall.models import Page


@transaction.atomic
def acknowledge_pages(incident_id: UUID, *, now: datetime) -> int:
    """Mark the incident's unanswered pages as answered; return how many there were."""
    return Page.objects.filter(incident_id=incident_id, acknowledged_at__isnull=True).update(acknowledged_at=now)
