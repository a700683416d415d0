"""Public updates over HTTP."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status

from bonanca.access.tokens import caller
from bonanca.comms.operations.publish_update import publish_update
from bonanca.incidents.queries import by_number as incident_by_number
from bonanca.kernel.clock import utc_now

router = Router(tags=["status page"])


class UpdateIn(Schema):
    state: str
    text: str


class UpdateOut(Schema):
    id: UUID | None


@router.post("incidents/{int:number}/updates", response={201: UpdateOut})
def publish(request: HttpRequest, number: int, data: UpdateIn) -> object:
    """Publish an update about an incident on the status page."""
    identity = publish_update(
        incident_by_number(number).id, state=data.state, text=data.text, actor=caller(request), now=utc_now()
    )
    return Status(201, {"id": identity})
