"""Rows that rollbacks set aside, over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries
from bonanca.recovery.api.router import router
from bonanca.recovery.operations.read_rows import FORMATS, read_rows
from bonanca.recovery.operations.settle_rows import settle_rows


class SetAsideRowOut(Schema):
    table: str
    key: str
    kind: str
    outcome: str
    reason: str


class SetAsideOut(Schema):
    id: UUID
    service: str
    run_id: UUID
    kept_database: str
    created_at: datetime
    reapplied_at: datetime | None
    removed_at: datetime | None
    counts: dict[str, int]
    waiting: int
    undecided: list[SetAsideRowOut]


class RowIn(Schema):
    table: str
    key: str


class SettleIn(Schema):
    rows: list[RowIn]
    decision: str
    reason: str


@router.get("set-asides", response=list[SetAsideOut])
def list_set_asides(request: HttpRequest, service: str) -> object:
    """Return the lists of rows that a service's rollbacks set aside, newest first."""
    require(caller(request), Permission.READ)
    return list(queries.set_asides_of(service))


@router.get("set-asides/{uuid:set_aside_id}", response=SetAsideOut)
def show(request: HttpRequest, set_aside_id: UUID) -> object:
    """Return a list: keys and outcomes, without the content of the rows."""
    require(caller(request), Permission.READ)
    return queries.get_set_aside(set_aside_id)


@router.post("set-asides/{uuid:set_aside_id}/settle", response=SetAsideOut)
def settle(request: HttpRequest, set_aside_id: UUID, data: SettleIn) -> object:
    """Decide about rows that wait for a person: apply them again, or discard them with a reason."""
    return settle_rows(
        set_aside_id,
        rows=[(row.table, row.key) for row in data.rows],
        decision=data.decision,
        reason=data.reason,
        actor=caller(request),
        now=utc_now(),
    )


@router.get("set-asides/{uuid:set_aside_id}/export", response=None)
def export(request: HttpRequest, set_aside_id: UUID, format: str = "jsonl") -> HttpResponse:
    """Return the rows with their content (jsonl or csv); who read them is in the audit chain."""
    lines = read_rows(set_aside_id, form=format, actor=caller(request), now=utc_now())
    return HttpResponse(lines, content_type=FORMATS[format])
