"""What proposed plans look like over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema


class PreviewedTableOut(Schema):
    table: str
    written_since: int | None
    changed: int | None
    sample: list[dict[str, Any]]
    problem: str


class PreviewedCheckOut(Schema):
    passed: bool
    warns: bool
    words: str


class PreviewedStepOut(Schema):
    key: str
    kind: str
    title: str
    expected_s: float | None


class CriterionOut(Schema):
    rule: str
    opinion: str
    words: str
    answer: str
    answered_by: str


class CriteriaOut(Schema):
    """The eight rules; `outcome` is propose, forbid, against or undecided."""

    outcome: str
    critical: bool
    needed: int
    rules: list[CriterionOut]


class PreviewOut(Schema):
    strategy: str
    reason: str
    four_eyes: str
    code_from: str
    code_to: str
    config_diff: str
    pinned_at: datetime | None
    rows_at_risk: list[PreviewedTableOut]
    rows_total: int
    checks: list[PreviewedCheckOut]
    passed: bool
    steps: list[PreviewedStepOut]
    expected_s: float


class ApprovalOut(Schema):
    by: str
    name: str
    via: str
    at: datetime


class ResponsePlanOut(Schema):
    id: UUID
    kind: str
    service: str
    title: str
    state: str
    incident_id: UUID | None
    change_id: UUID | None
    undoes_id: UUID | None
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    approved_by: str
    approved_at: datetime | None
    finished_at: datetime | None
    run_id: UUID | None
    error: str
    preview: PreviewOut
    criteria: CriteriaOut
    four_eyes: bool
    approvals: list[ApprovalOut]


class DraftOut(Schema):
    """A rollback as it would be proposed; nothing was stored."""

    service: str
    change: int
    title: str
    preview: PreviewOut
    criteria: CriteriaOut
