"""Tell the public."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.comms.events import UpdatePublished
from bonanca.comms.models import StatusUpdate
from bonanca.comms.state import UpdateState
from bonanca.incidents.queries import get_incident
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid
from bonanca.kernel.ids import new_id
from bonanca.outbox.operations.publish import publish

INVESTIGATING = gettext_noop("Something is wrong. We are looking into it.")
IDENTIFIED = gettext_noop(
    "We know what is wrong and have switched off the part that fails, so that the rest keeps working."
)
MONITORING = gettext_noop("It works again. We are watching it closely.")
RESOLVED = gettext_noop("It is over. Everything works as usual.")

MAX_TEXT = 4000


@transaction.atomic
def publish_update(
    incident_id: UUID, *, state: str, text: str, actor: Actor, now: datetime, key: str = ""
) -> UUID | None:
    """Publish an update about an incident on the status page (requirement Y7).

    A system actor publishes one of the message ids above, once per `key`; a person writes their own
    words. Returns the update's id, or None when it was published before.

    Raises:
        NotFound: there is no such incident.
        NotAllowed: the actor is not a commander.
        Invalid: the state is unknown, or the text empty or too long.
    """
    incident = get_incident(incident_id)
    require(actor, Permission.COMMAND)
    words = text.strip()
    if state not in UpdateState.values:
        raise Invalid(
            _("The state must be one of %(known)s (got %(given)s).")
            % {"known": ", ".join(UpdateState.values), "given": state},
            field="state",
        )
    if not words or len(words) > MAX_TEXT:
        raise Invalid(_("Write between 1 and %(limit)s characters.") % {"limit": MAX_TEXT}, field="text")
    identity = new_id()
    update, fresh = StatusUpdate.objects.get_or_create(
        incident_id=incident_id,
        key=key or str(identity),
        defaults={
            "id": identity,
            "service": incident.service,
            "state": state,
            "text": words,
            "written_by_person": actor.kind != "system",
            "published_by": actor.label,
            "published_at": now,
        },
    )
    if not fresh:
        return None
    audit.record(
        aggregate=f"incident:{incident_id}",
        action="comms.update.published",
        actor=actor.label,
        facts={"state": state, "text": words},
        now=now,
    )
    publish(
        UpdatePublished(
            update_id=update.id, incident_id=incident_id, service=incident.service, state=state, text=words, at=now
        ),
        now=now,
    )
    return update.id
