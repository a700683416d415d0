"""Post-mortems over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.incidents.queries import by_number as incident_by_number
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Invalid
from bonanca.postmortems import queries
from bonanca.postmortems.drafting import draft
from bonanca.postmortems.export import LOCALES
from bonanca.postmortems.operations.draft_postmortem import draft_postmortem

router = Router(tags=["post-mortems"])


class PostmortemOut(Schema):
    id: UUID
    incident_id: UUID
    number: int
    title: str
    service: str
    severity: str
    state: str
    drafted_at: datetime


@router.get("postmortems", response=list[PostmortemOut])
def list_postmortems(request: HttpRequest) -> object:
    """Return post-mortems, newest first."""
    require(caller(request), Permission.READ)
    return list(queries.postmortems())


@router.get("postmortems/{int:number}", response=PostmortemOut)
def show(request: HttpRequest, number: int) -> object:
    """Return the post-mortem of INC-`number`."""
    require(caller(request), Permission.READ)
    return queries.by_number(number)


@router.get("postmortems/{int:number}/markdown")
def markdown(request: HttpRequest, number: int, lang: str = "pt-br") -> HttpResponse:
    """Return the draft as Markdown."""
    actor = require(caller(request), Permission.READ)
    if lang.lower() not in LOCALES:
        raise Invalid(
            _("The language must be one of %(known)s (got %(given)s).") % {"known": ", ".join(LOCALES), "given": lang},
            field="lang",
        )
    text = draft(
        queries.evidence_of(queries.by_number(number).id),
        locale=lang.lower(),
        time_zone=actor.time_zone,
    )
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")


@router.post("incidents/{int:number}/postmortem", response={201: PostmortemOut})
def draft_(request: HttpRequest, number: int) -> object:
    """Draft the post-mortem of an incident, or refresh its evidence."""
    return Status(201, draft_postmortem(incident_by_number(number).id, actor=caller(request), now=utc_now()))
