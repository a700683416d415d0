"""Incidents over HTTP: the same verbs as the page's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import AwareDatetime

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.incidents import queries
from bonanca.incidents.operations.acknowledge import acknowledge
from bonanca.incidents.operations.assign_commander import assign_commander
from bonanca.incidents.operations.change_severity import change_severity
from bonanca.incidents.operations.close_incident import close_incident
from bonanca.incidents.operations.open_incident import open_incident
from bonanca.incidents.operations.record_timeline import add_note
from bonanca.incidents.operations.reopen_incident import reopen_incident
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.kernel.clock import utc_now

router = Router(tags=["incidents"])


class IncidentOut(Schema):
    id: UUID
    number: int
    label: str
    title: str
    service: str
    team: str
    severity: str
    state: str
    source: str
    commander_email: str
    commander_name: str
    started_at: datetime
    detected_at: datetime
    acknowledged_at: datetime | None
    contained_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None


class EntryOut(Schema):
    kind: str
    at: datetime
    actor: str
    text: str


class SuspectOut(Schema):
    change_id: UUID
    title: str
    version: str
    changed_at: datetime
    reason_texts: list[str]


class OpenIn(Schema):
    title: str
    service: str
    severity: str
    started_at: AwareDatetime | None = None


class ReasonIn(Schema):
    reason: str = ""


class ResolveIn(ReasonIn):
    # Hours of a closer look at the service; 0 for none, absent for what it declares for this severity.
    watch_for_h: float | None = None


class NoteIn(Schema):
    text: str


class CommanderIn(Schema):
    email: str


class SeverityIn(Schema):
    severity: str
    reason: str = ""


@router.get("incidents", response=list[IncidentOut])
def list_incidents(request: HttpRequest, open: bool = False, service: str | None = None) -> object:
    """Return incidents, newest first; with `open=true` only what burns, worst first."""
    require(caller(request), Permission.READ)
    found = queries.open_incidents() if open else queries.recent_incidents(service=service)
    return [i for i in found if service is None or i.service == service]


@router.post("incidents", response={201: IncidentOut})
def open_(request: HttpRequest, data: OpenIn) -> object:
    """Open an incident of a service."""
    opened = open_incident(
        title=data.title,
        service=data.service,
        severity=data.severity,
        started_at=data.started_at,
        source="api",
        actor=caller(request),
        now=utc_now(),
    )
    return Status(201, opened)


@router.get("incidents/{int:number}", response=IncidentOut)
def show(request: HttpRequest, number: int) -> object:
    """Return INC-`number`."""
    require(caller(request), Permission.READ)
    return queries.by_number(number)


@router.get("incidents/{int:number}/timeline", response=list[EntryOut])
def timeline(request: HttpRequest, number: int, kind: str | None = None) -> object:
    """Return its timeline, oldest first."""
    require(caller(request), Permission.READ)
    return list(queries.timeline(queries.by_number(number).id, kind=kind))


@router.get("incidents/{int:number}/suspects", response=list[SuspectOut])
def suspects(request: HttpRequest, number: int) -> object:
    """Return the changes that may have caused it, the likeliest first."""
    require(caller(request), Permission.READ)
    return list(queries.suspects(queries.by_number(number).id))


@router.post("incidents/{int:number}/acknowledge", response=IncidentOut)
def acknowledge_(request: HttpRequest, number: int) -> object:
    """Say that you are on it."""
    return acknowledge(queries.by_number(number).id, actor=caller(request), now=utc_now())


@router.post("incidents/{int:number}/notes", response={204: None})
def note(request: HttpRequest, number: int, data: NoteIn) -> object:
    """Add a note to its timeline."""
    add_note(queries.by_number(number).id, text=data.text, actor=caller(request), now=utc_now())
    return Status(204, None)


@router.post("incidents/{int:number}/commander", response=IncidentOut)
def commander(request: HttpRequest, number: int, data: CommanderIn) -> object:
    """Name the Incident Commander."""
    return assign_commander(queries.by_number(number).id, email=data.email, actor=caller(request), now=utc_now())


@router.post("incidents/{int:number}/severity", response=IncidentOut)
def severity(request: HttpRequest, number: int, data: SeverityIn) -> object:
    """Change its severity."""
    return change_severity(
        queries.by_number(number).id,
        severity=data.severity,
        reason=data.reason,
        actor=caller(request),
        now=utc_now(),
    )


@router.post("incidents/{int:number}/resolve", response=IncidentOut)
def resolve(request: HttpRequest, number: int, data: ResolveIn) -> object:
    """Say that it is over, and for how many hours its service is to be watched closer."""
    return resolve_incident(
        queries.by_number(number).id,
        reason=data.reason,
        watch_for_h=data.watch_for_h,
        actor=caller(request),
        now=utc_now(),
    )


@router.post("incidents/{int:number}/close", response=IncidentOut)
def close(request: HttpRequest, number: int, data: ReasonIn) -> object:
    """Close it: nothing is left to do."""
    return close_incident(queries.by_number(number).id, reason=data.reason, actor=caller(request), now=utc_now())


@router.post("incidents/{int:number}/reopen", response=IncidentOut)
def reopen(request: HttpRequest, number: int, data: ReasonIn) -> object:
    """It was not over."""
    return reopen_incident(queries.by_number(number).id, reason=data.reason, actor=caller(request), now=utc_now())
