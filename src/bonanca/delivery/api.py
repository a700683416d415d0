"""Changes over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.delivery import queries
from bonanca.delivery.operations.evaluate_gates import evaluate_gates
from bonanca.delivery.operations.propose_change import propose_change
from bonanca.kernel.clock import utc_now

router = Router(tags=["changes"])


class GateOut(Schema):
    name: str
    passed: bool
    words: str


class ChangeOut(Schema):
    id: UUID
    number: int
    label: str
    service: str
    title: str
    version: str
    from_sha: str
    to_sha: str
    state: str
    gates: list[GateOut]
    gates_passed: bool
    gates_overridden: str
    proposed_by: str
    proposed_at: datetime
    deploying_at: datetime | None
    finished_at: datetime | None
    run_id: UUID | None


class ProposeIn(Schema):
    service: str
    version: str
    title: str = ""


@router.get("changes", response=list[ChangeOut])
def list_changes(request: HttpRequest, service: str | None = None) -> object:
    """Return changes, newest first."""
    require(caller(request), Permission.READ)
    return list(queries.recent_changes(service=service))


@router.post("changes", response={201: ChangeOut})
def propose(request: HttpRequest, data: ProposeIn) -> object:
    """Record a change and evaluate its gates."""
    change = propose_change(
        service=data.service, version=data.version, title=data.title, actor=caller(request), now=utc_now()
    )
    return Status(201, change)


@router.get("changes/{int:number}", response=ChangeOut)
def show(request: HttpRequest, number: int) -> object:
    """Return CHG-`number`."""
    require(caller(request), Permission.READ)
    return queries.by_number(number)


@router.post("changes/{int:number}/gates", response=ChangeOut)
def gates(request: HttpRequest, number: int) -> object:
    """Evaluate its gates again."""
    return evaluate_gates(queries.by_number(number).id, actor=caller(request), now=utc_now())
