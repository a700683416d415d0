"""A person has looked at one thing that comes back, and says so with their name."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.operations.go_on import go_on
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid, NotFound
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import ReviewAgreed
from bonanca.recovery.models import Review, ReviewPoint
from bonanca.recovery.queries.privacy import get_review
from bonanca.recovery.state import PointState, ReviewState
from bonanca.recovery.views.privacy import ReviewView

NOTE_LENGTH = 2000


class ReviewOver(Conflict):
    """Nobody is asked any more: it was agreed, or its plan has ended."""


class AlreadyTicked(Conflict):
    """This point has been looked at."""


class SecondPersonNeeded(Conflict):
    """The policy wants two people, and this is the first one again."""


def tick_point(review_id: UUID, *, number: int, note: str = "", actor: Actor, now: datetime) -> ReviewView:
    """Tick it; with the last one the plan goes on, in this transaction.

    Args:
        note: what is done about it; needed where nothing is declared that does it.

    Raises:
        ReviewNotFound, NotFound (no such point), NotAllowed, ReviewOver, AlreadyTicked, SecondPersonNeeded.
        Invalid: the note is missing.
    """
    review = get_review(review_id)
    require(actor, Permission.RESPOND, team=review.team)
    with transaction.atomic():
        row = Review.objects.select_for_update().get(pk=review_id)
        if row.state != ReviewState.WAITING or get_review(review_id).over:
            raise ReviewOver(_("Nobody is asked any more: it was agreed, or the plan has ended."))
        point = ReviewPoint.objects.filter(review=row, number=number).first()
        if point is None:
            raise NotFound(_("This review has no point %(number)d.") % {"number": number}, field="number")
        state = _tick(row, point, note.strip()[:NOTE_LENGTH], actor, now)
        facts = {"point": number, "about": point.name or point.kind, "state": state, "note": note.strip()[:500]}
        record(aggregate=f"review:{row.pk}", action="review.ticked", actor=actor.label, facts=facts, now=now)
        if not row.points.exclude(state=PointState.DONE).exists():
            Review.objects.filter(pk=row.pk, state=ReviewState.WAITING).update(state=ReviewState.AGREED, decided_at=now)
            record(aggregate=f"review:{row.pk}", action="review.agreed", actor=actor.label, facts={}, now=now)
            publish(ReviewAgreed(row.pk, row.run_id, row.service, actor.shown_name, now), now=now)
            go_on(row.run_id)
    return get_review(review_id)


def _tick(row: Review, point: ReviewPoint, note: str, actor: Actor, now: datetime) -> PointState:
    if point.state == PointState.DONE:
        raise AlreadyTicked(
            _("This point has been looked at by %(who)s.") % {"who": point.second_by or point.ticked_by}
        )
    mine = ReviewPoint.objects.filter(pk=point.pk, state=point.state)
    if point.state == PointState.ONCE:
        if point.ticked_by == actor.label:
            raise SecondPersonNeeded(_("A second person has to look at this point: you were the first."))
        note = "\n".join(filter(None, (point.note, note)))
        mine.update(state=PointState.DONE, second_by=actor.label, second_at=now, note=note)
        return PointState.DONE
    if point.needs_note and not note:
        raise Invalid(_("Say what is done about it: nothing is declared that does it by itself."), field="note")
    state = PointState.ONCE if row.four_eyes else PointState.DONE
    mine.update(state=state, ticked_by=actor.label, ticked_at=now, note=note)
    return state
