"""Containments and plans, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.kernel.errors import NotFound
from bonanca.response.models import Containment, ProposedPlan
from bonanca.response.state import ContainmentAction, ContainmentState, PlanKind, PlanState
from bonanca.ui.phrases import read


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
class TableAtRisk:
    """Rows of one table that a data rollback would set aside, with a few of them to look at."""

    table: str
    written_since: int | None
    changed: int | None = None
    sample: tuple[dict[str, Any], ...] = ()
    # Why the table could not be counted; the numbers are then None, not zero.
    problem: str = ""


@dataclass(frozen=True)
class CheckResult:
    """A precondition of a plan. `text` is an English message id with named placeholders in `facts`."""

    passed: bool
    text: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return _(self.text) % self.facts


@dataclass(frozen=True)
class StepPreview:
    """One step as announced; `expected_s` in seconds, from earlier runs where there were any."""

    key: str
    kind: str
    title: str
    expected_s: float | None


@dataclass(frozen=True)
class Preview:
    """What a person sees before approving."""

    code_from: str
    code_to: str
    config_diff: str
    pinned_at: datetime | None
    rows_at_risk: tuple[TableAtRisk, ...]
    checks: tuple[CheckResult, ...]
    steps: tuple[StepPreview, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def expected_s(self) -> float:
        return sum(step.expected_s or 0 for step in self.steps)

    @property
    def rows_total(self) -> int:
        return sum((table.written_since or 0) + (table.changed or 0) for table in self.rows_at_risk)


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

    @property
    def state_label(self) -> str:
        return str(PlanState(self.state).label)

    @property
    def kind_label(self) -> str:
        return str(PlanKind(self.kind).label)

    @property
    def waits_for_approval(self) -> bool:
        return self.state == PlanState.PROPOSED


def containment_view(row: Containment) -> ContainmentView:
    """Return the model as a frozen value."""
    return ContainmentView(**{name: getattr(row, name) for name in ContainmentView.__dataclass_fields__})


def plan_view(row: ProposedPlan) -> ProposedPlanView:
    """Return the model as a frozen value."""
    facts = {name: getattr(row, name) for name in ProposedPlanView.__dataclass_fields__ if name != "preview"}
    facts["title"] = read(row.title, row.title_phrase)
    return ProposedPlanView(**facts, preview=preview_from_json(row.preview))


def preview_from_json(data: dict[str, Any]) -> Preview:
    """Rebuild what was shown when the plan was proposed."""
    pinned = data.get("pinned_at")
    return Preview(
        code_from=data.get("code_from", ""),
        code_to=data.get("code_to", ""),
        config_diff=data.get("config_diff", ""),
        pinned_at=datetime.fromisoformat(pinned) if pinned else None,
        rows_at_risk=tuple(_table(t) for t in data.get("rows_at_risk", ())),
        checks=tuple(CheckResult(**c) for c in data.get("checks", ())),
        steps=tuple(StepPreview(**s) for s in data.get("steps", ())),
    )


def _table(data: dict[str, Any]) -> TableAtRisk:
    return TableAtRisk(**{**data, "sample": tuple(data.get("sample", ()))})


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
    rows = ProposedPlan.objects.order_by("-id")
    if incident_id is not None:
        rows = rows.filter(incident_id=incident_id)
    if change_id is not None:
        rows = rows.filter(change_id=change_id)
    if service is not None:
        rows = rows.filter(service=service)
    return tuple(plan_view(p) for p in rows[:limit])
