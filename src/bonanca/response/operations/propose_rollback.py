"""Ask what going back would mean, and keep the answer for somebody to approve."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.delivery.queries import ChangeView, get_change
from bonanca.delivery.state import ChangeState
from bonanca.incidents.queries import get_incident
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.kernel.ids import new_id
from bonanca.recovery.queries import pin_of_change
from bonanca.recovery.views import PinView
from bonanca.response.compilers import preview as previews
from bonanca.response.compilers.rollback import compile_rollback
from bonanca.response.models import ProposedPlan
from bonanca.response.queries import ProposedPlanView, plan_view
from bonanca.response.specs import spec_to_json
from bonanca.response.state import PlanKind
from bonanca.ui.phrases import Phrase

# A preview that is older says too little about the rows that would be set aside now.
VALID_FOR = timedelta(minutes=30)
BACK = gettext_noop("%(service)s back to before %(version)s")


class NothingPinned(Conflict):
    """No state before the change was kept: there is nothing to go back to."""


class NotOut(Conflict):
    """The change is not in effect: it was never deployed, is being deployed, or was taken back."""


def propose_rollback(
    *, change_id: UUID, incident_id: UUID | None = None, actor: Actor, now: datetime
) -> ProposedPlanView:
    """Preview going back to the state before a change: targets, steps with expected seconds, rows at risk.

    Nothing of the service is touched. The plan is kept exactly as previewed, and waits for approval
    for 30 minutes (requirements T4 to T7).

    Raises:
        NotFound: there is no such change or incident.
        NotAllowed: the actor may not act on the service.
        NotOut: the change is not in effect.
        NothingPinned: the deployment kept no pin.
        Invalid: the incident is about another service, or the service cannot be rolled back.
    """
    change = get_change(change_id)
    require(actor, Permission.RESPOND, team=change.team)
    if incident_id is not None and get_incident(incident_id).service != change.service:
        raise Invalid(_("This incident is about another service."), field="incident_id")
    if change.state not in (ChangeState.DEPLOYED, ChangeState.FAILED):
        raise NotOut(
            _("%(change)s is %(state)s: there is nothing to take back.")
            % {"change": change.label, "state": change.state_label}
        )
    pin = pin_of_change(change.id)
    if pin is None:
        raise NothingPinned(
            _("No state from before %(change)s was kept: there is nothing to go back to.") % {"change": change.label}
        )
    return _propose(change, pin, incident_id, actor, now)


def _propose(
    change: ChangeView, pin: PinView, incident_id: UUID | None, actor: Actor, now: datetime
) -> ProposedPlanView:
    service = get_service(change.service)
    identity = new_id()
    title = Phrase(BACK, {"service": service.name, "version": change.version})
    spec = compile_rollback(
        service,
        pin,
        title=title,
        plan_id=str(identity),
        incident_id=str(incident_id) if incident_id else None,
        change_id=str(change.id),
    )
    shown = previews.preview_rollback(service, pin, spec, now)
    with transaction.atomic():
        row = ProposedPlan.objects.create(
            id=identity,
            kind=PlanKind.ROLLBACK,
            service=service.slug,
            team=service.team_slug,
            title=str(title)[:200],
            title_phrase=title.to_json(),
            incident_id=incident_id,
            change_id=change.id,
            pin_id=pin.id,
            spec=spec_to_json(spec),
            preview=previews.to_json(shown),
            proposed_by=actor.label,
            proposed_at=now,
            expires_at=now + VALID_FOR,
        )
        audit.record(
            aggregate=f"response-plan:{row.id}",
            action="response.plan.proposed",
            actor=actor.label,
            facts={"kind": row.kind, "service": row.service, "pin": pin.id, "rows_at_risk": shown.rows_total},
            now=now,
        )
    return plan_view(row)
