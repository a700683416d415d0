"""List what failed in a period, so that people can choose what is run again. Nothing is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.aftercare.events import ReexecutionListed
from bonanca.aftercare.listing import Listed, Room, list_source
from bonanca.aftercare.models import Reexecution, ReexecutionItem
from bonanca.aftercare.queries import get_reexecution
from bonanca.aftercare.state import IN_EFFECT, ItemState
from bonanca.aftercare.views import ReexecutionView
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ReexecutionSpec
from bonanca.incidents.queries import incident_about
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid
from bonanca.kernel.ids import new_id
from bonanca.outbox.operations.publish import publish

LONGEST = timedelta(days=31)
EARLIER = gettext_noop("it was done in an earlier one")


class NothingDeclared(Invalid):
    """The service declares no source of failed work."""


def list_failed(
    service: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    incident_id: UUID | None = None,
    actor: Actor,
    now: datetime,
) -> ReexecutionView:
    """Read the declared sources for [since, until) and keep what they list; the default period is the incident's.

    What was done in an earlier list is left out of this one, until a person takes it in.

    Raises:
        NotFound: there is no such service or incident. NotAllowed: the actor may not act on the service.
        NothingDeclared: see there. Invalid: the period cannot be accepted; `field` says which end.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    spec = declared.reexecution
    if spec is None or not spec.sources:
        raise NothingDeclared(
            _("%(service)s declares no source of failed work.") % {"service": declared.slug},
            hint=_("Declare `reexecution` in bonanca.yaml."),
            field="service",
        )
    begin, end = _period(service, since, until, incident_id, now)
    # Sources are read outside of the transaction: they may be slow, or not answer at all.
    room = Room()
    read = [(source.name, list_source(declared, source, begin, end, room)) for source in spec.sources]
    return _keep(declared.slug, declared.team_slug, spec, begin, end, incident_id, read, actor, now)


def _period(
    service: str, since: datetime | None, until: datetime | None, incident_id: UUID | None, now: datetime
) -> tuple[datetime, datetime]:
    incident = incident_about(service, incident_id)
    begin = since or (incident.started_at if incident else None)
    if begin is None:
        raise Invalid(_("Say from when on, or which incident."), field="since")
    end = until or (incident.resolved_at if incident else None) or now
    if end <= begin:
        raise Invalid(_("The period ends before it begins."), field="until")
    if end - begin > LONGEST:
        raise Invalid(_("A period has at most %(days)d days.") % {"days": LONGEST.days}, field="since")
    return begin, end


@transaction.atomic
def _keep(
    service: str,
    team: str,
    spec: ReexecutionSpec,
    since: datetime,
    until: datetime,
    incident_id: UUID | None,
    read: Sequence[tuple[str, tuple[list[Listed], str]]],
    actor: Actor,
    now: datetime,
) -> ReexecutionView:
    listed = [one for _name, (found, _problem) in read for one in found]
    row = Reexecution.objects.create(
        id=new_id(),
        service=service,
        team=team,
        incident_id=incident_id,
        since=since,
        until=until,
        problems=[{"source": name, "error": problem} for name, (_found, problem) in read if problem],
        listed_by=actor.label,
        listed_at=now,
        rate_per_s=spec.rate_per_s,
        stop_percent=spec.stop_percent,
    )
    done = _done_before(service, listed)
    ReexecutionItem.objects.bulk_create(
        [_item(row, one, position, done) for position, one in enumerate(listed, 1)], batch_size=500
    )
    counts = dict(Counter(one.source for one in listed))
    audit.record(
        aggregate=f"reexecution:{row.id}",
        action="aftercare.reexecution.listed",
        actor=actor.label,
        facts={"service": service, "since": since, "until": until, "found": counts, "problems": row.problems},
        now=now,
    )
    publish(ReexecutionListed(row.id, service, counts, actor.shown_name, now, incident_id), now=now)
    return get_reexecution(row.id)


def _done_before(service: str, listed: Sequence[Listed]) -> set[tuple[str, str]]:
    keys = [one.key for one in listed]
    known = ReexecutionItem.objects.filter(service=service, key__in=keys, state__in=IN_EFFECT)
    return set(known.values_list("source", "key"))


def _item(row: Reexecution, one: Listed, position: int, done: set[tuple[str, str]]) -> ReexecutionItem:
    earlier = (one.source, one.key) in done
    return ReexecutionItem(
        reexecution=row,
        service=row.service,
        source=one.source,
        key=one.key,
        position=position,
        failed_at=one.failed_at,
        label=one.label,
        content=one.content,
        idempotency_key=one.idempotency_key,
        state=ItemState.SKIPPED if earlier else ItemState.CHOSEN,
        reason=EARLIER if earlier else "",
    )
