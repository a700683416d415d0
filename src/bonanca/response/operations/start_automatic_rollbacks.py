"""The policy decides: go back at once when the criteria call it critical and no row is at risk."""

from __future__ import annotations

from datetime import datetime

import structlog

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import get_service
from bonanca.delivery.queries import get_change
from bonanca.delivery.state import ChangeState
from bonanca.incidents.queries import IncidentView, open_incidents, suspects
from bonanca.incidents.state import IncidentState
from bonanca.kernel.errors import Conflict
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.draw_up_rollback import draw_up_rollback
from bonanca.response.operations.propose_rollback import propose_rollback
from bonanca.response.queries import ProposedPlanView, plans
from bonanca.response.state import Door

log = structlog.get_logger(__name__)


def start_automatic_rollbacks(*, now: datetime) -> tuple[ProposedPlanView, ...]:
    """Start what the declared policies want (`rollback.criteria.automatic`); return the plans.

    Once an incident: as soon as somebody has asked for a plan, people decide. Nothing is stored while the criteria do
    not call for it.
    """
    started = []
    for incident in open_incidents():
        try:
            plan = _consider(incident, now)
        except Conflict as refused:
            # It cannot be taken back, or somebody was faster: people go on from here.
            log.info("no automatic rollback", incident=incident.label, why=str(refused))
            continue
        if plan is not None:
            started.append(plan)
    return tuple(started)


def _consider(incident: IncidentView, now: datetime) -> ProposedPlanView | None:
    declared = get_service(incident.service).rollback
    if declared is None or not declared.criteria.automatic or incident.state == IncidentState.MITIGATED:
        return None
    found = suspects(incident.id)
    if not found or plans(incident_id=incident.id, limit=1):
        return None
    change, policy = get_change(found[0].change_id), SYSTEM("rollback policy")
    if change.service != incident.service or change.state != ChangeState.DEPLOYED or not change.from_sha:
        return None
    shown = draw_up_rollback(change.id, incident_id=incident.id, actor=policy, now=now).preview
    if not shown.criteria.critical or shown.rows_may_be_lost or not shown.passed:
        return None
    plan = propose_rollback(change_id=change.id, incident_id=incident.id, automatic=True, actor=policy, now=now)
    if plan.preview.rows_may_be_lost:
        return None  # written in this moment: the plan waits for a person
    return approve_plan(plan.id, via=Door.POLICY, actor=policy, now=now)
