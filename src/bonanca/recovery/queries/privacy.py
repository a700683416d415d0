"""Reading the register of erased people and the reviews of plans."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import ServiceView
from bonanca.durable.errors import PlanNotFound
from bonanca.durable.queries import get_run
from bonanca.kernel.errors import NotFound
from bonanca.recovery.models import Erasure, Review, ReviewPoint
from bonanca.recovery.state import PointState, ReviewState
from bonanca.recovery.subjects import ReferenceUnreadable, unseal
from bonanca.recovery.views.privacy import ErasureView, PointView, ReviewView

SHOWN = 200
MARK_SHOWN = 12


class ReviewNotFound(NotFound):
    """There is no such review."""


def erasures_of(service: str, *, limit: int = SHOWN) -> tuple[ErasureView, ...]:
    """The newest entries of a service's register."""
    rows = Erasure.objects.filter(service=service).order_by("-recorded_at", "-id")[:limit]
    return tuple(_erasure(row) for row in rows)


def erasures_count(service: str) -> int:
    """How many people of a service are in the register."""
    return Erasure.objects.filter(service=service).count()


def get_erasure(erasure_id: UUID) -> ErasureView:
    """One entry of the register. Raises Erasure.DoesNotExist: its caller has just written it."""
    return _erasure(Erasure.objects.get(pk=erasure_id))


def references_of(service: str) -> tuple[str, ...]:
    """The references themselves, for the statements that erase again; for steps only, never for people.

    Raises:
        ReferenceUnreadable: this installation has another secret key than it had.
    """
    rows = Erasure.objects.filter(service=service).order_by("erased_at", "id")
    return tuple(unseal(service, sealed) for sealed in rows.values_list("sealed", flat=True))


def register_problem(service: ServiceView) -> str:
    """Why nobody could be erased again, or empty: asked before a plan begins, so that it does not stop half way."""
    if service.privacy is None or service.privacy.erasures is None:
        return ""
    try:
        references_of(service.slug)
    except ReferenceUnreadable as unreadable:
        return str(unreadable)
    return ""


def review_of_run(run_id: UUID) -> ReviewView | None:
    """What a plan asked people to look at, or None."""
    row = Review.objects.filter(run_id=run_id).order_by("-created_at").first()
    return None if row is None else _review(row)


def waiting_reviews() -> tuple[ReviewView, ...]:
    """Plans that wait for people at this moment, the oldest first."""
    rows = Review.objects.filter(state=ReviewState.WAITING).order_by("created_at")
    return tuple(found for found in map(_review, rows) if found.waiting)


def services_with_privacy() -> tuple[tuple[str, str, bool, int], ...]:
    """Every service with a database: slug, name, whether it declares `privacy`, and how many people were erased."""
    return tuple(
        (one.slug, one.name, one.privacy is not None, erasures_count(one.slug))
        for one in list_services()
        if one.database is not None
    )


def get_review(review_id: UUID) -> ReviewView:
    """Raises ReviewNotFound."""
    row = Review.objects.filter(pk=review_id).first()
    if row is None:
        raise ReviewNotFound(_("There is no review %(id)s.") % {"id": review_id})
    return _review(row)


def review_by_key(key: str) -> ReviewView | None:
    """The review that a step has made, or None."""
    row = Review.objects.filter(key=key).first()
    return None if row is None else _review(row)


def review_answered(key: str) -> bool:
    """Whether nobody has to be asked any more."""
    return Review.objects.filter(key=key).exclude(state=ReviewState.WAITING).exists()


def list_reviews(service: str | None = None, *, limit: int = 50) -> tuple[ReviewView, ...]:
    """Reviews, newest first, of one service or of all."""
    rows = Review.objects.order_by("-created_at", "-id")
    if service is not None:
        rows = rows.filter(service=service)
    return tuple(_review(row) for row in rows[:limit])


def _erasure(row: Erasure) -> ErasureView:
    return ErasureView(
        id=row.pk,
        service=row.service,
        mark=row.mark[:MARK_SHOWN],
        reason=row.reason,
        from_query=row.from_query,
        erased_at=row.erased_at,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )


def _review(row: Review) -> ReviewView:
    try:
        run = get_run(row.run_id)
    except PlanNotFound:
        run = None
    return ReviewView(
        id=row.pk,
        run_id=row.run_id,
        service=row.service,
        team=(run.team or "") if run else "",
        title=run.title if run else "",
        state=ReviewState(row.state),
        four_eyes=row.four_eyes,
        created_at=row.created_at,
        decided_at=row.decided_at,
        points=tuple(_point(point) for point in row.points.all()),
        over=run is None or run.finished,
    )


def _point(row: ReviewPoint) -> PointView:
    return PointView(
        number=row.number,
        kind=row.kind,
        name=row.name,
        text_phrase=row.text,
        remedy_phrase=row.remedy,
        found=row.found,
        needs_note=row.needs_note,
        state=PointState(row.state),
        note=row.note,
        ticked_by=row.ticked_by,
        ticked_at=row.ticked_at,
        second_by=row.second_by,
        second_at=row.second_at,
    )
