"""Work out what going back would mean. Reads only: nothing is stored, nothing of the service is touched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView
from bonanca.delivery.queries import ChangeView, get_change, recent_changes
from bonanca.delivery.state import ChangeState
from bonanca.durable.plan import PlanSpec
from bonanca.incidents.queries import get_incident
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.kernel.ids import new_id
from bonanca.recovery.queries import pin_of_change
from bonanca.recovery.views import PinView
from bonanca.response.compilers.preview import Ground, preview_rollback
from bonanca.response.compilers.rollback import Occasion, compile_rollback
from bonanca.response.compilers.strategies import strategy_for
from bonanca.response.queries import containments_of
from bonanca.response.views import Preview
from bonanca.ui.phrases import Phrase

BACK = gettext_noop("%(service)s back to before %(version)s")
MAX_REASON = 500


class NothingPinned(Conflict):
    """No state before the change was kept: there is nothing to go back to."""


class NotOut(Conflict):
    """The change is not in effect: it was never deployed, is being deployed, or was taken back."""


@dataclass(frozen=True)
class Draft:
    """A rollback as it would be proposed. `plan_id` is the id that its proposal will have."""

    plan_id: UUID
    service: ServiceView
    change: ChangeView
    incident_id: UUID | None
    pin: PinView
    title: Phrase
    spec: PlanSpec
    preview: Preview


def draw_up_rollback(
    change_id: UUID,
    *,
    incident_id: UUID | None = None,
    strategy: str = "",
    reason: str = "",
    automatic: bool = False,
    actor: Actor,
    now: datetime,
) -> Draft:
    """Compile the plan and measure what it would do: targets, steps with expected seconds, rows at risk.

    Without a strategy the declared one is taken; without a reason, the title of the incident. An `automatic` plan
    looks once more, as its first step, whether the policy still wants it.

    Raises:
        NotFound: there is no such change or incident.
        NotAllowed: the actor may not act on the service.
        NotOut: the change is not in effect.
        NothingPinned: the deployment kept no pin.
        Invalid: the strategy or reason cannot be accepted, the incident is about another service, or the service
            cannot be rolled back; `field` says which.
    """
    change = get_change(change_id)
    require(actor, Permission.RESPOND, team=change.team)
    incident = get_incident(incident_id) if incident_id is not None else None
    if incident is not None and incident.service != change.service:
        raise Invalid(_("This incident is about another service."), field="incident_id")
    if len(reason.strip()) > MAX_REASON:
        raise Invalid(_("A reason has at most %(limit)s characters.") % {"limit": MAX_REASON}, field="reason")
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
    service, plan_id = get_service(change.service), new_id()
    chosen = strategy_for(service, strategy)
    occasion = Occasion(
        title=Phrase(BACK, {"service": service.name, "version": change.version}),
        plan_id=str(plan_id),
        incident_id=str(incident_id) if incident_id else None,
        change_id=str(change.id),
        affected=_affected(incident_id),
        strategy=chosen.name,
        automatic=automatic,
    )
    spec = compile_rollback(service, pin, occasion)
    why = reason.strip() or (incident.title if incident else "")
    shown = preview_rollback(service, pin, spec, chosen, Ground(change, incident, why), now=now)
    assert isinstance(occasion.title, Phrase)
    return Draft(plan_id, service, change, incident_id, pin, occasion.title, spec, shown)


def newest_out(service: str) -> ChangeView:
    """Return the newest change of a service that is in effect and had something before it.

    Raises:
        NotFound: there is no such service.
        NotOut: none is.
    """
    declared = get_service(service)
    for change in recent_changes(service=declared.slug):
        if change.state in (ChangeState.DEPLOYED, ChangeState.FAILED) and change.from_sha:
            return change
    raise NotOut(_("No change of %(service)s is in effect that could be taken back.") % {"service": declared.slug})


def _affected(incident_id: UUID | None) -> tuple[str, ...]:
    """What was taken out because it failed is what a check should look at first."""
    if incident_id is None:
        return ()
    return tuple(dict.fromkeys(c.match for c in containments_of(incident_id) if c.match))
