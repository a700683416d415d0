"""A rollback is needed, somebody says: who has to know is told at once, with the reason (requirement T5)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import RollbackSpec
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.response.events import PlanProposed
from bonanca.response.operations.invite_approvers import invite_approvers
from bonanca.response.operations.tell_people import Moment, tell_people
from bonanca.response.state import PlanKind

ASKED = gettext_noop("%(actor)s asks for a rollback: %(title)s")


@reaction(PlanProposed, "tell_people")
def tell_people_concerned(event: PlanProposed, now: datetime) -> None:
    """Whoever is on call, and the team, know before anything happens."""
    if event.kind != PlanKind.ROLLBACK:
        return
    declared = get_service(event.service).rollback or RollbackSpec()
    tell_people(event.plan_id, Moment.PROPOSED, to=declared.announce, now=now)


@reaction(PlanProposed, "invite_approvers")
def invite_who_may_approve(event: PlanProposed, now: datetime) -> None:
    """Whoever may approve gets a link for the phone."""
    invite_approvers(event.plan_id, now=now)


@reaction(PlanProposed, "tell_timeline")
def tell_timeline(event: PlanProposed, now: datetime) -> None:
    """Say who asked for it."""
    if event.incident_id is not None and event.kind == PlanKind.ROLLBACK:
        record_timeline(
            event.incident_id,
            kind=EntryKind.DECISION,
            text=ASKED,
            facts={"actor": event.actor, "title": event.title_phrase or event.title, "plan_id": str(event.plan_id)},
            key=f"plan:{event.plan_id}:proposed",
            at=event.at,
            actor=SYSTEM("response"),
            now=now,
        )
