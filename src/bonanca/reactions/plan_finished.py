"""A plan that people decided about has ended."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.operations.start_watch import NothingToWatch, start_watch
from bonanca.aftercare.state import Origin
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import RollbackSpec
from bonanca.comms.operations.publish_update import MONITORING, publish_update
from bonanca.incidents.operations.mark_mitigated import mark_mitigated
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.queries import get_incident
from bonanca.incidents.state import TRANSITIONS, EntryKind, IncidentState
from bonanca.outbox.registry import reaction
from bonanca.response.events import PlanFinished
from bonanca.response.operations.tell_people import Moment, tell_people
from bonanca.response.state import PlanKind, PlanState
from bonanca.ui.phrases import phrase_of

DONE = gettext_noop("Done and verified: %(title)s")
STOPPED = gettext_noop("Stopped: %(title)s. %(error)s")


@reaction(PlanFinished, "tell_timeline")
def tell_timeline(event: PlanFinished, now: datetime) -> None:
    """Say how it ended; a failed one with its reason."""
    if event.incident_id is not None:
        done = event.outcome == PlanState.SUCCEEDED
        record_timeline(
            event.incident_id,
            kind=EntryKind.ACTION,
            text=DONE if done else STOPPED,
            facts={"title": event.title_phrase or event.title, "error": event.error, "plan_id": str(event.plan_id)},
            key=f"plan:{event.plan_id}:{event.outcome}",
            at=event.at,
            actor=SYSTEM("response"),
            now=now,
        )


@reaction(PlanFinished, "mark_mitigated")
def mark_incident_mitigated(event: PlanFinished, now: datetime) -> None:
    """A rollback that was verified has brought the service back."""
    if _brought_back(event) and event.incident_id is not None:
        state = get_incident(event.incident_id).state
        if IncidentState.MITIGATED in TRANSITIONS[state]:
            mark_mitigated(
                event.incident_id, reason=phrase_of(event.title, event.title_phrase), actor=SYSTEM("response"), now=now
            )


@reaction(PlanFinished, "tell_status_page")
def tell_status_page(event: PlanFinished, now: datetime) -> None:
    """Customers read that it works again and is being watched."""
    if _brought_back(event) and event.incident_id is not None and get_incident(event.incident_id).is_open:
        publish_update(
            event.incident_id,
            state="monitoring",
            text=MONITORING,
            key=f"plan:{event.plan_id}",
            actor=SYSTEM("comms"),
            now=now,
        )


@reaction(PlanFinished, "watch_closer")
def watch_closer(event: PlanFinished, now: datetime) -> None:
    """After a rollback the service is watched closer than usual, for longer than any plan runs (requirement T9)."""
    if _brought_back(event):
        with suppress(NothingToWatch):
            start_watch(
                event.service,
                origin=Origin.ROLLBACK,
                incident_id=event.incident_id,
                plan_id=event.plan_id,
                actor=SYSTEM("aftercare"),
                now=now,
            )


@reaction(PlanFinished, "tell_people")
def tell_people_concerned(event: PlanFinished, now: datetime) -> None:
    """Who was told that a rollback began is told that it stopped, or was taken back; its success tells itself."""
    stopped = event.kind == PlanKind.ROLLBACK and event.outcome == PlanState.FAILED
    undone = event.kind == PlanKind.UNDO and event.outcome == PlanState.SUCCEEDED
    if stopped or undone:
        declared = get_service(event.service).rollback or RollbackSpec()
        tell_people(event.plan_id, Moment.STOPPED if stopped else Moment.UNDONE, to=declared.announce, now=now)


def _brought_back(event: PlanFinished) -> bool:
    return event.kind == PlanKind.ROLLBACK and event.outcome == PlanState.SUCCEEDED
