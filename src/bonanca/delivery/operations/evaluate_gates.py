"""Ask the gates again: an hour-old answer is not an answer."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.delivery import gates
from bonanca.delivery.models import Change
from bonanca.delivery.operations.move_change import WrongChangeState
from bonanca.delivery.queries import ChangeView, get_change, running_sha
from bonanca.delivery.state import ChangeState


def evaluate_gates(change_id: UUID, *, actor: Actor, now: datetime) -> ChangeView:
    """Evaluate every gate of a change that waits, against what runs now, and keep the answers.

    What the gates said of a change that went out is evidence, and stays.

    Raises:
        NotFound: there is no such change.
        NotAllowed: the actor may not act on its service.
        WrongChangeState: it does not wait for its deployment (any more).
        Invalid: the service cannot be deployed (any more).
    """
    change = get_change(change_id)
    require(actor, Permission.RESPOND, team=change.team)
    service = get_service(change.service)
    # Another change may have gone out since this one was proposed.
    from_sha = running_sha(service)
    results = gates.evaluate(gates.Candidate(service, change.to_sha, from_sha), now)
    waiting = Change.objects.filter(id=change_id, state=ChangeState.PROPOSED)
    if not waiting.update(from_sha=from_sha, gates=[asdict(result) for result in results], gates_at=now):
        raise WrongChangeState(
            _("%(label)s is %(state)s: it cannot become %(to)s.")
            % {"label": change.label, "state": change.state_label, "to": ChangeState.DEPLOYING.label}
        )
    return get_change(change_id)
