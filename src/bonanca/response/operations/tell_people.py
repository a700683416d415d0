"""Tell the people concerned about a plan, in their language, once each (requirement T5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import get_service
from bonanca.kernel import audit
from bonanca.notify.operations.enqueue_message import enqueue_message
from bonanca.notify.state import Purpose
from bonanca.response.audience import Recipient, audience
from bonanca.response.queries import ProposedPlanView, get_plan
from bonanca.response.views import Preview
from bonanca.ui.formats import clock_text


class Moment(StrEnum):
    """What has just happened to the plan."""

    PROPOSED = "proposed"
    BEGINS = "begins"
    WORKS = "works"
    STOPPED = "stopped"
    UNDONE = "undone"


SUBJECTS: dict[Moment, str] = {
    Moment.PROPOSED: gettext_noop("[%(service)s] A rollback is needed: %(title)s"),
    Moment.BEGINS: gettext_noop("[%(service)s] It is being put back now: %(title)s"),
    Moment.WORKS: gettext_noop("[%(service)s] It works again: %(title)s"),
    Moment.STOPPED: gettext_noop("[%(service)s] It stopped and needs somebody: %(title)s"),
    Moment.UNDONE: gettext_noop("[%(service)s] The rollback was taken back: %(title)s"),
}
MEANINGS: dict[Moment, str] = {
    Moment.PROPOSED: gettext_noop(
        "%(outcome)s (for it %(for)d, against it %(against)d, not known %(unknown)d). It waits for approval until "
        "%(until)s."
    ),
    Moment.BEGINS: gettext_noop(
        "Visitors get a maintenance page until it is verified; about %(expected_s)d s in all. Please deploy nothing."
    ),
    Moment.WORKS: gettext_noop(
        "It was verified and watched. Rows applied again: %(again)d; waiting for a person: %(waiting)d."
    ),
    Moment.STOPPED: gettext_noop("Why: %(error)s"),
    Moment.UNDONE: gettext_noop("What the rollback had replaced is in place again."),
}


@transaction.atomic
def tell_people(
    plan_id: UUID, moment: Moment, *, to: tuple[str, ...], facts: Mapping[str, int] | None = None, now: datetime
) -> tuple[str, ...]:
    """Put a message to each of the people into the ledger, and return their addresses.

    Called again for the same plan and moment it adds nobody.

    Raises:
        NotFound: there is no such plan, or its service is gone.
    """
    plan = get_plan(plan_id)
    service = get_service(plan.service)
    people = audience(service, to, now)
    for person in people:
        subject, body = _words(person, plan, service.name, moment, facts or {})
        enqueue_message(
            key=f"plan:{plan.id}:{moment}:{person.email}"[:200],
            channel="email",
            to=person.email,
            subject=subject,
            body=body,
            purpose=Purpose.INTERNAL,
            now=now,
        )
    addresses = tuple(person.email for person in people)
    audit.record(
        aggregate=f"response-plan:{plan.id}",
        action="response.plan.announced",
        actor=SYSTEM("response").label,
        facts={"moment": moment, "told": list(addresses)},
        now=now,
    )
    return addresses


def _words(
    person: Recipient, plan: ProposedPlanView, service: str, moment: Moment, counts: Mapping[str, int]
) -> tuple[str, str]:
    with translation.override(person.locale):
        # Read again: the title is made in the reader's language.
        title, shown = get_plan(plan.id).title, plan.preview
        facts = {
            "service": service,
            "title": title,
            "expected_s": round(shown.expected_s),
            "error": plan.error or "-",
            "again": counts.get("again", 0),
            "waiting": counts.get("waiting", 0),
            "outcome": plan.criteria.outcome_label,
            "until": clock_text(plan.expires_at),
            **plan.criteria.tally,
        }
        lines = [title, *_why(shown), _(MEANINGS[moment]) % facts]
        lines.append(_("Look at it: %(link)s") % {"link": f"{settings.PUBLIC_URL}/recovery/{plan.id}/"})
        return _(SUBJECTS[moment]) % facts, "\n\n".join(lines) + "\n"


def _why(shown: Preview) -> list[str]:
    return [_("Reason: %(reason)s") % {"reason": shown.reason}] if shown.reason else []
