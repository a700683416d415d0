"""Containments and plans, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.kernel.errors import NotFound
from bonanca.response.models import Containment, ProposedPlan, SupervisedReplica
from bonanca.response.state import ContainmentAction, ContainmentState, PlanKind, PlanState
from bonanca.response.views import (
    Answer,
    Approval,
    CheckResult,
    Criteria,
    Preview,
    StepPreview,
    TableAtRisk,
    preview_from_json,
)
from bonanca.running.state import ReplicaState
from bonanca.ui.phrases import read

__all__ = [
    "CheckResult",
    "ContainmentView",
    "Preview",
    "ProposedPlanView",
    "ReplicaView",
    "StepPreview",
    "TableAtRisk",
    "containment_view",
    "containments_of",
    "get_plan",
    "plan_of_run",
    "plan_view",
    "plans",
    "preview_from_json",
    "replicas",
]


@dataclass(frozen=True)
class ContainmentView:
    """One containment (times UTC)."""

    id: UUID
    incident_id: UUID
    service: str
    action: str
    match: str
    reason: str
    state: str
    applied_by: str
    applied_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_by: str
    detail: str = ""

    @property
    def is_active(self) -> bool:
        return self.state == ContainmentState.ACTIVE

    @property
    def action_label(self) -> str:
        return str(ContainmentAction(self.action).label)

    @property
    def state_label(self) -> str:
        return str(ContainmentState(self.state).label)


@dataclass(frozen=True)
class ProposedPlanView:
    """A plan that was proposed, and what became of it (times UTC)."""

    id: UUID
    kind: str
    service: str
    team: str
    # In the active language; `title_phrase` is what it is made from, when no person wrote it.
    title: str
    title_phrase: dict[str, Any] | None
    incident_id: UUID | None
    change_id: UUID | None
    pin_id: UUID | None
    undoes_id: UUID | None
    state: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    approved_by: str
    approved_at: datetime | None
    finished_at: datetime | None
    run_id: UUID | None
    error: str
    preview: Preview
    answers: tuple[Answer, ...] = ()
    approvals: tuple[Approval, ...] = ()

    @property
    def state_label(self) -> str:
        return str(PlanState(self.state).label)

    @property
    def kind_label(self) -> str:
        return str(PlanKind(self.kind).label)

    @property
    def four_eyes(self) -> bool:
        """Whether two people have to agree: who asked for it, and somebody else."""
        return bool(self.preview.four_eyes)

    @property
    def criteria(self) -> Criteria:
        """The eight rules with what people said about them; without rules for what is no rollback."""
        return self.preview.criteria.answered(self.answers)

    @property
    def waits_for_approval(self) -> bool:
        return self.state == PlanState.PROPOSED


@dataclass(frozen=True)
class ReplicaView:
    """A replica as it was seen last; `since` says when it came into its state, `error` what last went wrong."""

    service: str
    name: str
    port: int
    state: str
    since: datetime
    release: str
    restarts: int
    restarted_at: datetime | None
    error: str

    @property
    def state_label(self) -> str:
        return str(ReplicaState(self.state).label)

    @property
    def given_up(self) -> bool:
        return self.state == ReplicaState.GIVEN_UP


def containment_view(row: Containment) -> ContainmentView:
    """Return the model as a frozen value."""
    return ContainmentView(**{name: getattr(row, name) for name in ContainmentView.__dataclass_fields__})


def plan_view(row: ProposedPlan) -> ProposedPlanView:
    """Return the model as a frozen value."""
    made_here = ("preview", "answers", "approvals")
    facts = {name: getattr(row, name) for name in ProposedPlanView.__dataclass_fields__ if name not in made_here}
    facts["title"] = read(row.title, row.title_phrase)
    answers = tuple(Answer(a.rule, a.opinion, a.words, a.by, a.at) for a in row.answers.all())
    given = tuple(Approval(a.by, a.name, a.via, a.at) for a in row.approvals.all())
    return ProposedPlanView(**facts, preview=preview_from_json(row.preview), answers=answers, approvals=given)


def containments_of(incident_id: UUID) -> tuple[ContainmentView, ...]:
    """Return an incident's containments, newest first."""
    return tuple(containment_view(c) for c in Containment.objects.filter(incident_id=incident_id).order_by("-id"))


def get_plan(plan_id: UUID) -> ProposedPlanView:
    """Return a proposed plan.

    Raises:
        NotFound: there is none.
    """
    row = ProposedPlan.objects.filter(id=plan_id).first()
    if row is None:
        raise NotFound(_("There is no such plan."))
    return plan_view(row)


def plan_of_run(run_id: UUID) -> ProposedPlanView | None:
    """Return the proposed plan that a durable run carries out."""
    row = ProposedPlan.objects.filter(run_id=run_id).first()
    return plan_view(row) if row else None


def plans(
    *, incident_id: UUID | None = None, change_id: UUID | None = None, service: str | None = None, limit: int = 50
) -> tuple[ProposedPlanView, ...]:
    """Return proposed plans, newest first, narrowed by what is given."""
    rows = ProposedPlan.objects.order_by("-id").prefetch_related("answers", "approvals")
    if incident_id is not None:
        rows = rows.filter(incident_id=incident_id)
    if change_id is not None:
        rows = rows.filter(change_id=change_id)
    if service is not None:
        rows = rows.filter(service=service)
    return tuple(plan_view(p) for p in rows[:limit])


def replicas(*, service: str | None = None, state: str | None = None) -> tuple[ReplicaView, ...]:
    """Return the replicas that workers have seen, of one service or of all, by service and port."""
    rows = SupervisedReplica.objects.all()
    if service is not None:
        rows = rows.filter(service=service)
    if state is not None:
        rows = rows.filter(state=state)
    names = ReplicaView.__dataclass_fields__
    return tuple(ReplicaView(**{name: getattr(row, name) for name in names}) for row in rows)
