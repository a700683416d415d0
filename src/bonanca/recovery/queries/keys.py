"""Reading which keys open a service's backups: a lost key is found before a disaster does it."""

from __future__ import annotations

from pathlib import Path

from bonanca.catalog.queries import get_service
from bonanca.recovery.engines import OUTSIDE
from bonanca.recovery.identities import IdentityUnreadable, public_keys_of, read_identity_file
from bonanca.recovery.models import Backup
from bonanca.recovery.state import RESTORABLE
from bonanca.recovery.views import SealedTo, ServiceKeys


def keys_of(service: str) -> ServiceKeys:
    """The service's declared keys, and of each backup whether they and the drills' key open it.

    The drills' private key is looked at only to tell which public key it belongs to.

    Raises:
        NotFound: no such service.
    """
    policy = get_service(service).backup
    declared = policy.recipients if policy is not None else ()
    drilled, unread = _drilled_with(policy.identity_file if policy is not None else None)
    rows = Backup.objects.filter(service=service, state__in=RESTORABLE).exclude(engine__in=OUTSIDE)
    rows = rows.order_by("-started_at")
    return ServiceKeys(
        service, declared, drilled, unread, tuple(_sealed_to(row, set(declared), drilled) for row in rows)
    )


def _drilled_with(identity_file: Path | None) -> tuple[tuple[str, ...] | None, str]:
    if identity_file is None:
        return None, ""
    try:
        return public_keys_of(read_identity_file(identity_file)), ""
    except IdentityUnreadable as problem:
        return None, problem.message


def _sealed_to(row: Backup, declared: set[str], drilled: tuple[str, ...] | None) -> SealedTo:
    if row.recipients is None:
        return SealedTo(row.id, row.started_at, None, False, False, False)
    sealed = set(row.recipients)
    return SealedTo(
        row.id,
        row.started_at,
        tuple(row.recipients),
        lost=not sealed & declared,
        undrilled=drilled is not None and not sealed & set(drilled),
        outdated=sealed != declared,
    )
