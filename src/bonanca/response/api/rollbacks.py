"""Rollbacks over HTTP: previewed, proposed, and undone."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from ninja import Schema, Status

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.catalog.queries import get_service
from bonanca.delivery.queries import by_number as change_by_number
from bonanca.incidents.queries import by_number as incident_by_number
from bonanca.kernel.clock import utc_now
from bonanca.response.api.router import router
from bonanca.response.api.shapes import DraftOut, ResponsePlanOut
from bonanca.response.operations.answer_criterion import answer_criterion
from bonanca.response.operations.draw_up_rollback import Draft, draw_up_rollback, newest_out
from bonanca.response.operations.propose_rollback import propose_rollback
from bonanca.response.operations.propose_undo import propose_undo


class RollbackIn(Schema):
    incident: int | None = None
    strategy: str = ""
    reason: str = ""


class AnswerIn(Schema):
    rule: str
    opinion: str
    words: str


@router.get("services/{slug}/rollback", response=DraftOut)
def preview_of_service(request: HttpRequest, slug: str, strategy: str = "") -> object:
    """Say what going back before the newest change of a service would mean. Nothing is written."""
    actor = require(caller(request), Permission.RESPOND, team=get_service(slug).team_slug)
    return _draft(draw_up_rollback(newest_out(slug).id, strategy=strategy, actor=actor, now=utc_now()))


@router.get("changes/{int:number}/rollback", response=DraftOut)
def preview(request: HttpRequest, number: int, strategy: str = "", incident: int | None = None) -> object:
    """Say what going back before a change would mean. Nothing is written."""
    draft = draw_up_rollback(
        change_by_number(number).id,
        incident_id=incident_by_number(incident).id if incident is not None else None,
        strategy=strategy,
        actor=caller(request),
        now=utc_now(),
    )
    return _draft(draft)


@router.post("changes/{int:number}/rollback", response={201: ResponsePlanOut})
def rollback(request: HttpRequest, number: int, data: RollbackIn) -> object:
    """Preview going back to the state before a change; it waits for approval."""
    plan = propose_rollback(
        change_id=change_by_number(number).id,
        incident_id=incident_by_number(data.incident).id if data.incident is not None else None,
        strategy=data.strategy,
        reason=data.reason,
        actor=caller(request),
        now=utc_now(),
    )
    return Status(201, plan)


@router.post("response-plans/{uuid:plan_id}/criteria", response=ResponsePlanOut)
def answer(request: HttpRequest, plan_id: UUID, data: AnswerIn) -> object:
    """Answer one of the eight rules of a rollback that waits for approval."""
    return answer_criterion(
        plan_id, rule=data.rule, opinion=data.opinion, words=data.words, actor=caller(request), now=utc_now()
    )


@router.post("response-plans/{uuid:plan_id}/undo", response={201: ResponsePlanOut})
def undo_plan(request: HttpRequest, plan_id: UUID) -> object:
    """Preview the undo of a rollback that has ended; it waits for approval."""
    return Status(201, propose_undo(plan_id, actor=caller(request), now=utc_now()))


def _draft(draft: Draft) -> dict[str, object]:
    return {
        "service": draft.service.slug,
        "change": draft.change.number,
        "title": str(draft.title),
        "preview": draft.preview,
        "criteria": draft.preview.criteria,
    }
