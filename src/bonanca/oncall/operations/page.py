"""Wake the person on call."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel import audit
from bonanca.notify.operations.enqueue_message import enqueue_message
from bonanca.oncall.events import NobodyOnCall, PersonPaged
from bonanca.oncall.models import Page
from bonanca.oncall.queries import OnCallPerson, PageView, view, who_is_on_call
from bonanca.outbox.operations.publish import publish
from bonanca.ui.phrases import Words


@transaction.atomic
def page(
    *,
    incident_id: UUID,
    number: int,
    title: Words,
    severity: str,
    team: str,
    occasion: str = "",
    actor: Actor,
    now: datetime,
) -> PageView | None:
    """Page whoever is on call for the team, once per incident, occasion and person, through the ledger.

    The opening of an incident has no `occasion`; what wakes somebody again about it names its own.

    Returns None when nobody is on call; that is an event of its own, so that it is seen.

    Raises:
        NotFound: the catalog has no such team.
        NotAllowed: the actor may not act for the team.
    """
    require(actor, Permission.RESPOND, team=team)
    person = who_is_on_call(team, now)
    if person is None:
        publish(NobodyOnCall(incident_id=incident_id, team=team), now=now)
        return None
    key = f"page:{incident_id}:{person.email}" + (f":{occasion}" if occasion else "")
    row, fresh = Page.objects.get_or_create(
        incident_id=incident_id,
        email=person.email,
        occasion=occasion,
        defaults={
            "incident_number": number,
            "team": team,
            "name": person.name,
            "message_key": key,
            "created_at": now,
        },
    )
    if fresh:
        subject, body = _words(person, number, title, severity)
        enqueue_message(key=key, channel="email", to=person.email, subject=subject, body=body, purpose="page", now=now)
        audit.record(
            aggregate=f"incident:{incident_id}",
            action="oncall.paged",
            actor=actor.label,
            facts={"email": person.email, "page": row.id},
            now=now,
        )
        publish(
            PersonPaged(page_id=row.id, incident_id=incident_id, name=person.name, email=person.email, at=now), now=now
        )
    return view(row)


def _words(person: OnCallPerson, number: int, title: Words, severity: str) -> tuple[str, str]:
    with translation.override(person.locale):
        facts = {
            "number": number,
            "title": str(title),
            "severity": severity.upper(),
            "link": f"{settings.PUBLIC_URL}/incidents/{number}/",
            "name": person.name,
        }
        subject = _("[%(severity)s] INC-%(number)s %(title)s") % facts
        body = (
            _(
                "%(name)s, you are on call.\n\n"
                "INC-%(number)s: %(title)s\n\n"
                "See what burns, what changed, and take it over:\n%(link)s\n"
            )
            % facts
        )
    return subject, body
