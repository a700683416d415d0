"""Work out what a deployment would do, and what pinning the state before it costs. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.delivery.queries import ChangeView, get_change
from bonanca.delivery.state import ChangeState
from bonanca.kernel.errors import Conflict
from bonanca.kernel.ids import new_id
from bonanca.response.compilers.deployment import compile_deployment
from bonanca.response.compilers.pin_choices import pin_choices
from bonanca.response.compilers.preview import steps_of
from bonanca.response.views import PinChoice, StepPreview


class NotAhead(Conflict):
    """The change has been deployed, or was withdrawn."""


@dataclass(frozen=True)
class DeploymentDraft:
    """A deployment as it would be started. `pins` are the ways of pinning the data; one of them is declared."""

    change: ChangeView
    steps: tuple[StepPreview, ...]
    pins: tuple[PinChoice, ...]

    @property
    def expected_s(self) -> float:
        return sum(step.expected_s or 0 for step in self.steps)

    @property
    def pin(self) -> PinChoice | None:
        """The way that the deployment would take; None: there is nothing to pin."""
        return next((choice for choice in self.pins if choice.declared), None)


def draw_up_deployment(change_id: UUID, *, actor: Actor) -> DeploymentDraft:
    """Compile the plan as `start_deployment` would at this moment.

    Raises:
        NotFound: there is no such change. NotAllowed: the actor may not act on the service.
        NotAhead: it is out already, or is being deployed.
        Invalid: the service does not declare what a deployment needs.
    """
    change = get_change(change_id)
    require(actor, Permission.RESPOND, team=change.team)
    if change.state != ChangeState.PROPOSED:
        raise NotAhead(
            _("%(change)s is %(state)s: there is nothing to preview.")
            % {"change": change.label, "state": change.state_label}
        )
    service = get_service(change.service)
    spec = compile_deployment(service, change, plan_id=str(new_id()))
    # Before a first version there is nothing to come back to.
    return DeploymentDraft(change, steps_of(spec), pin_choices(service) if change.from_sha else ())
