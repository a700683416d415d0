"""Running failed work again, over HTTP: list, choose, start, follow, report."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Schema, Status
from pydantic import AwareDatetime

from bonanca.access.permissions import Permission, allowed, require
from bonanca.access.tokens import caller
from bonanca.aftercare import queries
from bonanca.aftercare.api.router import router
from bonanca.aftercare.operations.choose_items import choose_items
from bonanca.aftercare.operations.list_failed import list_failed
from bonanca.aftercare.operations.read_items import read_items
from bonanca.aftercare.operations.start_reexecution import start_reexecution
from bonanca.aftercare.operations.withdraw_reexecution import withdraw_reexecution
from bonanca.incidents.queries import by_number
from bonanca.kernel.clock import utc_now


class ReexecutionOut(Schema):
    id: UUID
    service: str
    team: str
    incident_id: UUID | None
    since: datetime
    until: datetime
    state: str
    problems: list[dict[str, str]]
    listed_by: str
    listed_at: datetime
    rate_per_s: float
    stop_percent: float
    started_by: str
    started_at: datetime | None
    finished_at: datetime | None
    run_id: UUID | None
    error: str
    forgotten_at: datetime | None
    counts: dict[str, int]
    sources: dict[str, dict[str, int]]


class ReexecutionItemOut(Schema):
    id: int
    source: str
    key: str
    failed_at: datetime | None
    label: str
    idempotency_key: str
    state: str
    attempts: int
    sent_at: datetime | None
    settled_at: datetime | None
    reason: str


class ReexecutionListIn(Schema):
    service: str
    # The incident's time, unless another one is given.
    incident: int | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class ReexecutionChooseIn(Schema):
    take: bool
    source: str = ""
    matching: str = ""
    items: list[int] = []
    reason: str = ""


class ReexecutionStartIn(Schema):
    # Absent: as the service declares.
    rate_per_s: float | None = None
    stop_percent: float | None = None


@router.get("reexecutions", response=list[ReexecutionOut])
def list_reexecutions(
    request: HttpRequest, service: str | None = None, incident: int | None = None, limit: int = 50
) -> object:
    """Return lists of failed work, newest first."""
    require(caller(request), Permission.READ)
    incident_id = by_number(incident).id if incident is not None else None
    return list(queries.reexecutions(service=service, incident_id=incident_id, limit=max(1, min(limit, 500))))


@router.post("reexecutions", response={201: ReexecutionOut})
def list_(request: HttpRequest, data: ReexecutionListIn) -> object:
    """List what failed in a period from the service's declared sources; nothing is run yet."""
    made = list_failed(
        data.service,
        since=data.since,
        until=data.until,
        incident_id=by_number(data.incident).id if data.incident is not None else None,
        actor=caller(request),
        now=utc_now(),
    )
    return Status(201, made)


@router.get("reexecutions/{uuid:reexecution_id}", response=ReexecutionOut)
def show_reexecution(request: HttpRequest, reexecution_id: UUID) -> object:
    """Return one list with its counts by source and outcome."""
    require(caller(request), Permission.READ)
    return queries.get_reexecution(reexecution_id)


@router.get("reexecutions/{uuid:reexecution_id}/items", response=list[ReexecutionItemOut])
def items(
    request: HttpRequest,
    reexecution_id: UUID,
    source: str = "",
    state: str = "",
    matching: str = "",
    limit: int = 200,
    offset: int = 0,
) -> object:
    """Return its items in their order, without their content; what the service said of each is for its responders."""
    require(caller(request), Permission.READ)
    found = queries.get_reexecution(reexecution_id)
    in_full = allowed(caller(request), Permission.RESPOND, team=found.team)
    page = {"limit": max(1, min(limit, 1000)), "offset": max(0, min(offset, 10**6))}
    return list(queries.items_of(found.id, source=source, state=state, matching=matching, in_full=in_full, **page))


@router.post("reexecutions/{uuid:reexecution_id}/choose", response=ReexecutionOut)
def choose(request: HttpRequest, reexecution_id: UUID, data: ReexecutionChooseIn) -> object:
    """Take in, or leave out, what the filter names: all, of a source, with some words, or these ids."""
    return choose_items(
        reexecution_id,
        take=data.take,
        source=data.source,
        matching=data.matching,
        items=data.items,
        reason=data.reason,
        actor=caller(request),
        now=utc_now(),
    )


@router.post("reexecutions/{uuid:reexecution_id}/start", response={202: ReexecutionOut})
def start_(request: HttpRequest, reexecution_id: UUID, data: ReexecutionStartIn) -> object:
    """Run the chosen ones again, as a plan (`run_id`) that can be paused, resumed and stopped."""
    started = start_reexecution(
        reexecution_id,
        rate_per_s=data.rate_per_s,
        stop_percent=data.stop_percent,
        actor=caller(request),
        now=utc_now(),
    )
    return Status(202, started)


@router.post("reexecutions/{uuid:reexecution_id}/withdraw", response=ReexecutionOut)
def withdraw(request: HttpRequest, reexecution_id: UUID) -> object:
    """Run none of them."""
    return withdraw_reexecution(reexecution_id, actor=caller(request), now=utc_now())


@router.get("reexecutions/{uuid:reexecution_id}/report", response=None)
def report(request: HttpRequest, reexecution_id: UUID, contents: bool = False) -> HttpResponse:
    """Return the report as CSV; with `contents` also what is sent, which is written down."""
    lines = read_items(reexecution_id, contents=contents, actor=caller(request), now=utc_now())
    return HttpResponse(lines, content_type="text/csv; charset=utf-8")
