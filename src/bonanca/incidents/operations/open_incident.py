"""Declare that something burns."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.incidents.events import IncidentOpened
from bonanca.incidents.models import Incident
from bonanca.incidents.operations.record_timeline import append
from bonanca.incidents.queries import IncidentView, view
from bonanca.incidents.state import OPEN, EntryKind, Severity
from bonanca.kernel.errors import Invalid
from bonanca.outbox.operations.publish import publish
from bonanca.ui.phrases import Words, stored

# A start before our time is a clock that was never set.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
OPENED = gettext_noop("Incident opened: %(title)s")


def open_incident(
    *,
    title: Words,
    service: str,
    severity: str,
    actor: Actor,
    now: datetime,
    source: str = "person",
    started_at: datetime | None = None,
    alert_id: UUID | None = None,
    alert_fingerprint: str = "",
) -> IncidentView:
    """Open an incident of a service (requirements Y7, H3), or return the open one an alert belongs to.

    `started_at` is the first bad measurement when one is known, else the opening counts as the start. A title that
    the software wrote is a phrase, read by everybody in their language.

    Raises:
        NotFound: the catalog has no such service.
        NotAllowed: the actor may not act on it.
        Invalid: title, severity or start cannot be accepted; `field` says which.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    words = str(title).strip()
    _check(words, severity, started_at, now)
    try:
        with transaction.atomic():
            if alert_fingerprint and (known := _open_of(service)) is not None:
                return view(known)
            incident = _create(
                title=words,
                title_phrase=stored(title),
                service=service,
                team=declared.team_slug,
                severity=severity,
                source=source,
                alert_id=alert_id,
                alert_fingerprint=alert_fingerprint,
                started_at=started_at or now,
                detected_at=now,
            )
            _tell(incident, actor, now)
            return view(incident)
    except IntegrityError:
        # Another worker opened it between our look and our insert.
        other = _open_of(service)
        if other is None:
            raise
        return view(other)


def _tell(incident: Incident, actor: Actor, now: datetime) -> None:
    append(
        incident,
        kind=EntryKind.SIGNAL if incident.alert_id else EntryKind.DECISION,
        text=OPENED,
        facts={"title": incident.title_phrase or incident.title, "severity": incident.severity},
        actor=actor,
        now=now,
    )
    publish(
        IncidentOpened(
            incident_id=incident.id,
            number=incident.number,
            title=incident.title,
            service=incident.service,
            team=incident.team,
            severity=incident.severity,
            started_at=incident.started_at,
            alert_id=incident.alert_id,
            title_phrase=incident.title_phrase,
        ),
        now=now,
    )


def _check(title: str, severity: str, started_at: datetime | None, now: datetime) -> None:
    if not title.strip():
        raise Invalid(_("Say in a few words what is wrong."), field="title")
    if len(title.strip()) > 200:
        raise Invalid(_("A title has at most 200 characters."), field="title")
    if severity not in Severity.values:
        raise Invalid(
            _("The severity must be one of %(known)s (got %(given)s).")
            % {"known": ", ".join(Severity.values), "given": severity},
            field="severity",
        )
    if started_at is not None and started_at > now:
        raise Invalid(_("An incident cannot start in the future."), field="started_at")
    if started_at is not None and started_at < EARLIEST:
        raise Invalid(_("An incident cannot have started before the year 2000."), field="started_at")


def _open_of(service: str) -> Incident | None:
    return Incident.objects.filter(service=service, state__in=OPEN).order_by("number").first()


def _create(**facts: object) -> Incident:
    with connection.cursor() as cursor:
        # Numbers are for people: they follow each other without a gap.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('incidents.number', 7))")
    last = Incident.objects.aggregate(last=Max("number"))["last"] or 0
    return Incident.objects.create(number=last + 1, **facts)
