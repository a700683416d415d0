"""Ship a change, if its gates are open."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.delivery.operations.evaluate_gates import evaluate_gates
from bonanca.delivery.operations.move_change import mark_deploying
from bonanca.delivery.queries import get_change
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.kernel.ids import new_id
from bonanca.response.compilers.deployment import compile_deployment
from bonanca.response.compilers.preview import steps_of, to_json
from bonanca.response.models import ProposedPlan
from bonanca.response.operations.approve_plan import launch
from bonanca.response.operations.contain import MAX_REASON
from bonanca.response.queries import Preview, ProposedPlanView, plan_view
from bonanca.response.specs import spec_to_json
from bonanca.response.state import PlanKind


class GateClosed(Conflict):
    """A gate does not let the change through."""


def start_deployment(change_id: UUID, *, override_reason: str = "", actor: Actor, now: datetime) -> ProposedPlanView:
    """Evaluate the gates now and start the deployment plan (requirements T2, T3).

    A commander may go through a closed gate with a reason, which is kept with the change.

    Raises:
        NotFound: there is no such change.
        NotAllowed: the actor may not act on the service, or may not override.
        Invalid: the reason is too long, or the service does not declare what a deployment needs.
        GateClosed: a gate refused; the words of every refusal are in the message.
        AnotherPlanRuns, AnotherDeployment, WrongChangeState: nothing was started.
    """
    change = get_change(change_id)
    require(actor, Permission.RESPOND, team=change.team)
    change = evaluate_gates(change_id, actor=actor, now=now)
    reason = override_reason.strip()
    if len(reason) > MAX_REASON:
        raise Invalid(_("A reason has at most %(limit)s characters.") % {"limit": MAX_REASON}, field="override_reason")
    if not change.gates_passed:
        if not reason:
            closed = "; ".join(gate.words for gate in change.gates if not gate.passed)
            raise GateClosed(closed, hint=_("A commander can go through with a reason."))
        require(actor, Permission.COMMAND)
    service = get_service(change.service)
    identity = new_id()
    spec = compile_deployment(service, change, plan_id=str(identity))
    shown = Preview(change.from_sha, change.to_sha, "", None, (), (), steps_of(spec))
    with transaction.atomic():
        row = ProposedPlan.objects.create(
            id=identity,
            kind=PlanKind.DEPLOYMENT,
            service=change.service,
            team=change.team,
            title=change.title,
            change_id=change.id,
            spec=spec_to_json(spec),
            preview=to_json(shown),
            proposed_by=actor.label,
            proposed_at=now,
            expires_at=now + timedelta(minutes=5),
        )
        launched = launch(plan_view(row), actor=actor, now=now)
        assert launched.run_id is not None  # a running plan has a run (database constraint)
        mark_deploying(
            change.id,
            run_id=launched.run_id,
            overridden="" if change.gates_passed else reason,
            actor=actor,
            now=now,
        )
    return launched
