"""Reading contingencies: what is declared, what runs, and whether it was walked through in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.catalog.queries import get_service, list_services
from bonanca.catalog.spec import ContingencySpec, ServiceView
from bonanca.kernel.errors import NotFound
from bonanca.risks.models import ContingencyUse
from bonanca.risks.state import Mark, Phase, StepState, UseState
from bonanca.risks.views import ContingencyView, UseStep, UseView


class ContingencyNotFound(NotFound):
    """The service declares no such contingency, or nobody ever began it."""


def contingencies(now: datetime) -> tuple[ContingencyView, ...]:
    """Every declared contingency; those that run first, then those that do not count."""
    found = [_view(service, one, now) for service in list_services() for one in service.contingencies]
    return tuple(sorted(found, key=lambda one: (one.running is None, one.ok, one.service, one.declared.slug)))


def contingencies_of(service: str, now: datetime) -> tuple[ContingencyView, ...]:
    """Those of one service, as they are declared. Raises NotFound: no such service."""
    declared = get_service(service)
    return tuple(_view(declared, one, now) for one in declared.contingencies)


def get_contingency(service: str, slug: str, now: datetime) -> ContingencyView:
    """Raises NotFound, ContingencyNotFound."""
    found = next((one for one in contingencies_of(service, now) if one.declared.slug == slug), None)
    if found is None:
        raise ContingencyNotFound(
            _("The service %(service)s declares no contingency %(slug)s.") % {"service": service, "slug": slug},
            hint=_("Declare `contingencies` in bonanca.yaml and apply it."),
        )
    return found


def team_of(service: str) -> str:
    """Whose responders may act; empty (commanders only) when the service is declared no more."""
    try:
        return get_service(service).team_slug
    except NotFound:
        return ""


def services_without() -> tuple[tuple[str, str], ...]:
    """Critical services for which nobody has said what to do while they are away: slug and name."""
    return tuple((one.slug, one.name) for one in list_services() if one.critical and not one.contingencies)


def uses_of(service: str, slug: str, *, limit: int = 20) -> tuple[UseView, ...]:
    """Uses and exercises of one contingency, newest first."""
    rows = ContingencyUse.objects.filter(service=service, contingency=slug).order_by("-started_at", "-id")
    return tuple(use_view(row) for row in rows.prefetch_related("steps")[:limit])


def get_use(use_id: UUID) -> UseView:
    """Raises ContingencyNotFound."""
    row = ContingencyUse.objects.prefetch_related("steps").filter(pk=use_id).first()
    if row is None:
        raise ContingencyNotFound(_("No contingency was begun under %(id)s.") % {"id": use_id})
    return use_view(row)


def use_view(row: ContingencyUse) -> UseView:
    """The row as others see it."""
    return UseView(
        id=row.pk,
        service=row.service,
        contingency=row.contingency,
        name=row.name,
        exercise=row.exercise,
        incident_id=row.incident_id,
        state=UseState(row.state),
        reason=row.reason,
        started_by=row.started_by,
        started_at=row.started_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
        note=row.note,
        steps=tuple(
            UseStep(s.number, Phase(s.phase), s.text, StepState(s.state), s.ended_by, s.ended_at, s.note)
            for s in row.steps.all()
        ),
    )


def _view(service: ServiceView, declared: ContingencySpec, now: datetime) -> ContingencyView:
    rows = ContingencyUse.objects.filter(service=service.slug, contingency=declared.slug)
    running = rows.filter(state=UseState.RUNNING).prefetch_related("steps").first()
    # What was done in earnest to the end proves as much as an exercise.
    passed = rows.filter(state=UseState.DONE).order_by("-ended_at").first()
    tried = rows.filter(exercise=True, state__in=(UseState.DONE, UseState.FAILED)).order_by("-ended_at").first()
    most = None if declared.max_h is None else timedelta(hours=declared.max_h)
    return ContingencyView(
        service=service.slug,
        service_name=service.name,
        team=service.team_slug,
        declared=declared,
        mark=_mark(declared, passed, tried, now),
        last_passed_at=passed.ended_at if passed else None,
        running=use_view(running) if running else None,
        over_time=running is not None and most is not None and now > running.started_at + most,
    )


def _mark(
    declared: ContingencySpec, passed: ContingencyUse | None, tried: ContingencyUse | None, now: datetime
) -> Mark:
    newer = passed is None or passed.ended_at is None or (tried and tried.ended_at and tried.ended_at > passed.ended_at)
    if tried is not None and tried.state == UseState.FAILED and newer:
        return Mark.FAILED
    if passed is None or passed.ended_at is None:
        return Mark.NEVER
    return Mark.OVERDUE if now > passed.ended_at + timedelta(days=declared.exercise_every_days) else Mark.OK
