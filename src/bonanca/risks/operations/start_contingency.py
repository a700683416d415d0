"""Go on by other means while a service is away, or practise it (requirement H3)."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ContingencySpec
from bonanca.incidents.queries import incident_about
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.outbox.operations.publish import publish
from bonanca.risks.events import ContingencyStarted
from bonanca.risks.models import ContingencyStep, ContingencyUse
from bonanca.risks.queries import get_contingency, get_use
from bonanca.risks.state import Phase
from bonanca.risks.views import UseView

REASON_LENGTH = 1000


class ContingencyRunning(Conflict):
    """It is in use, or being exercised."""


def start_contingency(
    *,
    service: str,
    slug: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    exercise: bool = False,
    incident_id: UUID | None = None,
) -> UseView:
    """Record that it begins, with its steps as they are declared now.

    Raises:
        NotFound, ContingencyNotFound, NotAllowed, ContingencyRunning. Invalid: used in earnest without a reason, or the
            incident is of another service.
    """
    require(actor, Permission.RESPOND, team=get_service(service).team_slug)
    incident_about(service, incident_id)
    found = get_contingency(service, slug, now)
    reason = reason.strip()[:REASON_LENGTH]
    if not exercise and not reason:
        raise Invalid(_("Say why it is needed now."), field="reason")
    try:
        with transaction.atomic():
            use = ContingencyUse.objects.create(
                service=service,
                contingency=slug,
                name=found.declared.name,
                exercise=exercise,
                incident_id=incident_id,
                reason=reason,
                started_by=actor.label,
                started_at=now,
            )
            _freeze_steps(use, found.declared)
            facts = {"service": service, "contingency": slug, "exercise": exercise, "reason": reason}
            record(
                aggregate=f"contingency:{use.pk}", action="contingency.started", actor=actor.label, facts=facts, now=now
            )
            event = ContingencyStarted(
                use_id=use.pk,
                service=service,
                contingency=slug,
                name=found.declared.name,
                exercise=exercise,
                incident_id=incident_id,
                reason=reason,
                actor=actor.shown_name,
                at=now,
            )
            publish(event, now=now)
    except IntegrityError as clash:
        if "one_use_at_a_time" not in str(clash):
            raise
        raise ContingencyRunning(
            _("“%(name)s” is in use already, or being exercised.") % {"name": found.declared.name},
            hint=_("Go on with that one, or end it."),
        ) from None
    return get_use(use.pk)


def _freeze_steps(use: ContingencyUse, declared: ContingencySpec) -> None:
    numbers = count(1)
    ContingencyStep.objects.bulk_create(
        ContingencyStep(use=use, number=next(numbers), phase=phase, text=text)
        for phase, texts in ((Phase.BEGIN, declared.begin), (Phase.END, declared.end))
        for text in texts
    )
