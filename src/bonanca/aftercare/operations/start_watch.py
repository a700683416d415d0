"""Watch a service closer than usual for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.aftercare.events import WatchStarted
from bonanca.aftercare.models import Watch
from bonanca.aftercare.queries.watches import view
from bonanca.aftercare.state import Origin, WatchState
from bonanca.aftercare.views import WatchView
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import HOURS_MOST, ReinforcedWatchSpec, ServiceView
from bonanca.incidents.queries import incident_about
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid
from bonanca.outbox.operations.publish import publish

# What visitors met just before a service was opened again may be counted a moment later.
SETTLE = timedelta(seconds=5)


class NothingToWatch(Invalid):
    """The service declares neither an objective nor a check: there is nothing to look at."""


def can_be_watched(service: ServiceView) -> bool:
    """Whether the service declares anything that a watch could look at."""
    return bool(service.slos or service.verify)


@transaction.atomic
def start_watch(
    service: str,
    *,
    origin: str = Origin.PERSON,
    hours: float | None = None,
    incident_id: UUID | None = None,
    plan_id: UUID | None = None,
    actor: Actor,
    now: datetime,
) -> WatchView:
    """Look closer at a service for `hours` (default: as declared), or longer when it is being watched already.

    Raises:
        NotFound: there is no such service or incident. NotAllowed: the actor may not act on the service.
        Invalid: the hours cannot be accepted, or the incident is of another service. NothingToWatch: see there.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    incident = incident_about(service, incident_id)
    spec = declared.watch or ReinforcedWatchSpec()
    for_h = spec.for_h if hours is None else hours
    if not 0 < for_h <= HOURS_MOST:
        raise Invalid(
            _("A watch lasts more than 0 and at most %(most)g hours (got %(given)g).")
            % {"most": HOURS_MOST, "given": for_h},
            field="hours",
        )
    if not can_be_watched(declared):
        raise NothingToWatch(
            _("%(service)s declares neither an objective nor a check: there is nothing to watch.")
            % {"service": declared.slug},
            hint=_("Declare `slo` or `verify` in bonanca.yaml."),
        )
    counts_from = now + SETTLE if origin == Origin.ROLLBACK else now
    known = Watch.objects.select_for_update().filter(service=service, state=WatchState.WATCHING).first()
    causes = {"incident_id": incident_id, "plan_id": plan_id}
    if known is None:
        severity = incident.severity if incident else ("high" if declared.critical else "medium")
        row = Watch.objects.create(
            service=service,
            team=declared.team_slug,
            origin=origin,
            severity=severity,
            started_at=now,
            started_by=actor.label,
            until=now + timedelta(hours=for_h),
            counts_from=counts_from,
            sampled_until=now.replace(microsecond=0),
            **causes,
            **{name: getattr(spec, name) for name in ("tighten", "shorten", "failures", "traffic_percent")},
        )
    else:
        row = _extended(known, now + timedelta(hours=for_h), causes)
        if origin == Origin.ROLLBACK:
            # What burned before it is over by it.
            row.counts_from = counts_from
        row.save()
    _tell(row, origin, actor, now, extended=known is not None)
    return view(row)


def _extended(row: Watch, until: datetime, causes: dict[str, Any]) -> Watch:
    """Never shorter than it was promised to be; it follows the newer cause."""
    row.until = max(row.until, until)
    for name, value in causes.items():
        if value is not None:
            setattr(row, name, value)
    return row


def _tell(row: Watch, origin: str, actor: Actor, now: datetime, *, extended: bool) -> None:
    audit.record(
        aggregate=f"watch:{row.id}",
        action="aftercare.watch.extended" if extended else "aftercare.watch.started",
        actor=actor.label,
        facts={
            "service": row.service,
            "origin": origin,
            "until": row.until,
            "incident": row.incident_id,
            "plan": row.plan_id,
        },
        now=now,
    )
    publish(
        WatchStarted(
            watch_id=row.id,
            service=row.service,
            origin=origin,
            until=row.until,
            tighten=row.tighten,
            at=now,
            incident_id=row.incident_id,
            plan_id=row.plan_id,
            extended=extended,
        ),
        now=now,
    )
