"""Somebody is on it."""

from __future__ import annotations

from datetime import datetime

from bonanca.incidents.events import IncidentAcknowledged
from bonanca.oncall.operations.acknowledge_pages import acknowledge_pages
from bonanca.outbox.registry import reaction


@reaction(IncidentAcknowledged, "answer_pages")
def answer_pages(event: IncidentAcknowledged, now: datetime) -> None:
    """The pages of the incident have their answer."""
    acknowledge_pages(event.incident_id, now=event.at)
