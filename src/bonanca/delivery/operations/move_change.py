"""A change goes from state to state, by a conditional update: who comes second is told so."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.delivery.events import ChangeDeployed, ChangeDeploying, ChangeFailed, ChangeRolledBack, _Changed
from bonanca.delivery.models import Change
from bonanca.delivery.queries import ChangeView, get_change
from bonanca.delivery.state import TRANSITIONS, ChangeState
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict
from bonanca.outbox.operations.publish import publish


class AnotherDeployment(Conflict):
    """The service is being deployed already."""


class WrongChangeState(Conflict):
    """The change is in a state from which this does not happen."""


def mark_deploying(change_id: UUID, *, run_id: UUID, overridden: str = "", actor: Actor, now: datetime) -> ChangeView:
    """The plan that deploys the change has been started.

    Raises:
        NotAllowed: the actor may not act on its service.
        AnotherDeployment: another change of the service is being deployed.
        WrongChangeState: the change is not waiting for its deployment.
    """
    try:
        with transaction.atomic():
            return _move(
                change_id,
                ChangeState.DEPLOYING,
                ChangeDeploying,
                actor,
                now,
                {"run_id": run_id, "deploying_at": now, "gates_overridden": overridden},
            )
    except IntegrityError:
        raise AnotherDeployment(_("The service is being deployed already.")) from None


@transaction.atomic
def mark_deployed(change_id: UUID, *, actor: Actor, now: datetime) -> ChangeView:
    """The change runs (again). Raises WrongChangeState."""
    return _move(change_id, ChangeState.DEPLOYED, ChangeDeployed, actor, now, {"finished_at": now})


@transaction.atomic
def mark_failed(change_id: UUID, *, actor: Actor, now: datetime) -> ChangeView:
    """The deployment stopped half-way. Raises WrongChangeState."""
    return _move(change_id, ChangeState.FAILED, ChangeFailed, actor, now, {"finished_at": now})


@transaction.atomic
def mark_rolled_back(change_id: UUID, *, actor: Actor, now: datetime) -> ChangeView:
    """The service is back where it was before the change. Raises WrongChangeState."""
    return _move(change_id, ChangeState.ROLLED_BACK, ChangeRolledBack, actor, now, {})


def _move(
    change_id: UUID, to: ChangeState, event: type[_Changed], actor: Actor, now: datetime, stamps: dict[str, Any]
) -> ChangeView:
    change = get_change(change_id)
    require(actor, Permission.RESPOND, team=change.team)
    sources = [state for state, targets in TRANSITIONS.items() if to in targets]
    if not Change.objects.filter(id=change_id, state__in=sources).update(state=to, **stamps):
        raise WrongChangeState(
            _("%(label)s is %(state)s: it cannot become %(to)s.")
            % {"label": change.label, "state": change.state_label, "to": to.label}
        )
    audit.record(aggregate=f"change:{change_id}", action=event.NAME, actor=actor.label, facts=stamps, now=now)
    publish(
        event(change_id=change_id, number=change.number, service=change.service, version=change.version, at=now),
        now=now,
    )
    return get_change(change_id)
