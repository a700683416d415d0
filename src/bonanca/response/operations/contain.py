"""Stop the damage from spreading."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.gateway.operations.put_directive import put_directive
from bonanca.actuators.gateway.wire import Kind, path_fault
from bonanca.catalog.queries import get_service
from bonanca.incidents.queries import get_incident
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.outbox.operations.publish import publish
from bonanca.response.events import ContainmentApplied
from bonanca.response.measures import Measure, measure_of
from bonanca.response.models import Containment
from bonanca.response.queries import ContainmentView, containment_view
from bonanca.response.state import ContainmentAction

SHORTEST_S = 10
LONGEST_S = 24 * 3600
RETRY_AFTER_S = 30
MAX_REASON = 500
_KINDS: dict[str, Kind] = {
    ContainmentAction.DISABLE: "disable",
    ContainmentAction.MAINTENANCE: "maintenance",
    ContainmentAction.REDIRECT: "redirect",
    ContainmentAction.WEIGHTS: "weights",
    ContainmentAction.BREAKER: "breaker",
}


class IncidentNotOpen(Conflict):
    """The incident is over: there is nothing to contain."""


class AlreadyContained(Conflict):
    """The same measure is active already."""


def contain(
    *,
    incident_id: UUID,
    action: str,
    match: str,
    expires_in_s: int,
    reason: str,
    actor: Actor,
    now: datetime,
    weights: str = "",
    threshold_percent: int = 0,
) -> ContainmentView:
    """Apply one typed, expiring containment to a running incident (requirements Y2, Y6, Y7).

    `weights` (such as `replicas=90 standby=10`) say how requests are shared out, `threshold_percent` when a breaker
    opens (0: 50).

    Raises:
        NotFound: there is no such incident.
        IncidentNotOpen: it is already resolved or closed.
        NotAllowed: the actor may not act on the affected service.
        Invalid: action, path, expiry or reason cannot be accepted; `field` says which.
        AlreadyContained: the same measure is active already.
    """
    incident = get_incident(incident_id)
    require(actor, Permission.RESPOND, team=incident.team)
    if not incident.is_open:
        raise IncidentNotOpen(_("%(incident)s is over.") % {"incident": incident.label})
    service = get_service(incident.service)
    if service.gateway is None:
        raise Invalid(
            _("%(service)s is behind no gateway: it cannot be contained from here.") % {"service": service.slug}
        )
    path = _checked(action, match, expires_in_s, reason)
    measure = measure_of(service, action, weights=weights, threshold_percent=threshold_percent)
    try:
        with transaction.atomic():
            row = Containment.objects.create(
                incident_id=incident.id,
                service=service.slug,
                team=incident.team,
                gateway=service.gateway.name,
                action=action,
                match=path,
                detail=measure.detail,
                reason=reason.strip(),
                applied_by=actor.label,
                applied_at=now,
                expires_at=now + timedelta(seconds=expires_in_s),
            )
            _put_in_effect(row, measure, actor, now)
    except IntegrityError as clash:
        if "one_active" not in str(clash):
            raise
        raise AlreadyContained(_("This is contained already."), field="match") from None
    return containment_view(row)


def _put_in_effect(row: Containment, measure: Measure, actor: Actor, now: datetime) -> None:
    put_directive(
        key=f"containment:{row.id}",
        gateway=row.gateway,
        service=row.service,
        kind=_KINDS[row.action],
        match=row.match or None,
        message="",
        retry_after_s=RETRY_AFTER_S,
        backends=measure.backends,
        shares=measure.shares,
        threshold_percent=measure.threshold_percent,
        expires_at=row.expires_at,
        now=now,
    )
    audit.record(
        aggregate=f"incident:{row.incident_id}",
        action="response.containment.applied",
        actor=actor.label,
        facts={
            "action": row.action,
            "match": row.match,
            "reason": row.reason,
            "expires_at": row.expires_at,
            **({"detail": row.detail} if row.detail else {}),
        },
        now=now,
    )
    publish(
        ContainmentApplied(
            containment_id=row.id,
            incident_id=row.incident_id,
            service=row.service,
            action=row.action,
            match=row.match,
            reason=row.reason,
            actor=actor.shown_name,
            expires_at=row.expires_at,
            at=now,
            detail=row.detail,
        ),
        now=now,
    )


def _checked(action: str, match: str, expires_in_s: int, reason: str) -> str:
    if action not in ContainmentAction.values:
        raise Invalid(
            _("The action must be one of %(known)s (got %(given)s).")
            % {"known": ", ".join(ContainmentAction.values), "given": action},
            field="action",
        )
    path = match.strip()
    if action == ContainmentAction.DISABLE and (not path.startswith("/") or path == "/"):
        raise Invalid(
            _("Name the path to take out, such as /checkout. For the whole service choose maintenance."), field="match"
        )
    if action == ContainmentAction.REDIRECT and path:
        raise Invalid(_("A redirect is for the whole service: leave the path empty."), field="match")
    if action == ContainmentAction.WEIGHTS and path:
        raise Invalid(_("Weights are for the whole service: leave the path empty."), field="match")
    if action == ContainmentAction.MAINTENANCE and path:
        raise Invalid(_("Maintenance is for the whole service: leave the path empty."), field="match")
    if not SHORTEST_S <= expires_in_s <= LONGEST_S:
        raise Invalid(
            _("A containment lasts from %(least)s seconds to %(most)s hours.")
            % {"least": SHORTEST_S, "most": LONGEST_S // 3600},
            field="expires_in_s",
        )
    if path and (fault := path_fault(path)):
        raise Invalid(_("No gateway can match this path: %(fault)s") % {"fault": fault}, field="match")
    if not reason.strip():
        raise Invalid(_("Say why: the reason is shown on the timeline."), field="reason")
    if len(reason.strip()) > MAX_REASON:
        raise Invalid(_("A reason has at most %(limit)s characters.") % {"limit": MAX_REASON}, field="reason")
    return path
