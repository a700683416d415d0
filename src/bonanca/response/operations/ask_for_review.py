"""Ask the people concerned to look at what a return of data brings back, in their language, once each."""

from __future__ import annotations

from datetime import datetime
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
from bonanca.response.audience import audience

TO = ("on_call", "team")
SUBJECT = gettext_noop("[%(service)s] The return of data waits for you")
BODY = gettext_noop(
    "%(points)d points that older data would bring back have to be looked at: people who were erased, tokens, "
    "passwords, permissions. The service goes on meanwhile; nothing has been touched."
)


@transaction.atomic
def ask_for_review(review_id: UUID, *, service: str, points: int, now: datetime) -> tuple[str, ...]:
    """Put a message to each of them into the ledger, and return their addresses; called again it adds nobody.

    Raises:
        NotFound: the service is gone.
    """
    declared = get_service(service)
    people = audience(declared, TO, now)
    for person in people:
        with translation.override(person.locale):
            facts = {"service": declared.name, "points": points}
            link = _("Look at it: %(link)s") % {"link": f"{settings.PUBLIC_URL}/reviews/{review_id}/"}
            subject, body = _(SUBJECT) % facts, f"{_(BODY) % facts}\n\n{link}\n"
        enqueue_message(
            key=f"review:{review_id}:{person.email}"[:200],
            channel="email",
            to=person.email,
            subject=subject,
            body=body,
            purpose=Purpose.INTERNAL,
            now=now,
        )
    addresses = tuple(person.email for person in people)
    facts = {"told": list(addresses)}
    actor = SYSTEM("response").label
    audit.record(aggregate=f"review:{review_id}", action="review.asked", actor=actor, facts=facts, now=now)
    return addresses
