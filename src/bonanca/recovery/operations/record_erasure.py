"""Record that a person was erased, so that they stay so after every return of older data (requirement D7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ErasureSpec, ServiceView
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Invalid
from bonanca.recovery.models import Erasure
from bonanca.recovery.queries.privacy import MARK_SHOWN, get_erasure
from bonanca.recovery.subjects import mark_of, seal
from bonanca.recovery.views.privacy import ErasureView

REFERENCE_LENGTH = 200
REASON_LENGTH = 500


class NothingErases(Invalid):
    """The service declares nothing that could erase a person again."""


class BadReference(Invalid):
    """Not a reference to a person."""


def record_erasure(
    *, service: str, reference: str, reason: str, actor: Actor, now: datetime, erased_at: datetime | None = None
) -> ErasureView:
    """Record it; the same person again is one entry, with the newest time. The service itself is not touched.

    Args:
        reference: what the service's statements need to find the person; it is stored sealed and never shown.
        erased_at: when the service erased them; default: now.

    Raises:
        NotFound, NotAllowed, NothingErases, BadReference. Invalid: no reason was given, or the time is to come.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    erasures_declared(declared)
    reason = reason.strip()[:REASON_LENGTH]
    if not reason:
        raise Invalid(_("Say why they were erased, such as the request's number."), field="reason")
    erased_at = erased_at or now
    if erased_at > now:
        raise Invalid(_("The time of an erasure cannot be in the future."), field="erased_at")
    with transaction.atomic():
        found = _keep(
            declared, _typed(reference), reason=reason, erased_at=erased_at, by=actor.label, now=now, from_query=False
        )
    return get_erasure(found.pk)


def erasures_declared(service: ServiceView) -> ErasureSpec:
    """What erases people of the service again. Raises NothingErases."""
    found = service.privacy.erasures if service.privacy else None
    if found is None:
        raise NothingErases(
            _("The service %(service)s declares nothing that erases people again.") % {"service": service.slug},
            hint=_("Declare `privacy.erasures` (find, and sql or command) in bonanca.yaml and apply it."),
        )
    return found


def keep_listed(
    service: ServiceView, listed: Sequence[tuple[str, datetime]], *, by: str, now: datetime
) -> tuple[int, int]:
    """Record the people whom the service's own list names; returns how many are new, and how many entries name nobody.

    A reference may be of people's own choosing: it is kept to the letter, however long it is, because the service's
    statements find nobody by another one. What no statement could be given (empty, or no text that a database has) is
    left out, and stands in nobody's way.
    """
    new = nobody = 0
    reason = _("from the service's own list")
    with transaction.atomic():
        for reference, erased_at in listed:
            if not _usable(reference):
                nobody += 1
                continue
            known = Erasure.objects.filter(service=service.slug, mark=mark_of(service.slug, reference)).first()
            if known is None or known.erased_at < erased_at:
                _keep(service, reference, reason=reason, erased_at=erased_at, by=by, now=now, from_query=True)
                new += 1
    return new, nobody


def _usable(reference: str) -> bool:
    try:
        return bool(reference.encode()) and "\x00" not in reference
    except UnicodeEncodeError:  # half a character, which JSON can hold
        return False


def _typed(reference: str) -> str:
    """What a person typed or pasted, without what they cannot see. Raises BadReference."""
    reference = reference.strip()
    if not reference or len(reference) > REFERENCE_LENGTH or not reference.isprintable():
        raise BadReference(
            _("The reference must be one line of 1 to %(limit)d characters.") % {"limit": REFERENCE_LENGTH},
            field="reference",
        )
    return reference


def _keep(
    service: ServiceView, reference: str, *, reason: str, erased_at: datetime, by: str, now: datetime, from_query: bool
) -> Erasure:
    """Write one entry in the caller's transaction."""
    mark = mark_of(service.slug, reference)
    row, _created = Erasure.objects.update_or_create(
        service=service.slug,
        mark=mark,
        defaults={
            "sealed": seal(service.slug, reference),
            "reason": reason,
            "from_query": from_query,
            "erased_at": erased_at,
            "recorded_at": now,
            "recorded_by": by,
        },
    )
    facts = {"person": mark[:MARK_SHOWN], "reason": reason, "erased_at": erased_at.isoformat()}
    record(aggregate=f"erasures:{service.slug}", action="erasure.recorded", actor=by, facts=facts, now=now)
    return row
