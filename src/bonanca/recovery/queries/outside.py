"""Reading who keeps a service's backups when it is not Bonança."""

from __future__ import annotations

from bonanca.catalog.queries import get_service
from bonanca.recovery.models import Backup
from bonanca.recovery.views.outside import OutsideView

PGBACKREST = "pgBackRest"


def outside_of(service: str) -> OutsideView | None:
    """The program that keeps them, and what its repositories said when the newest backups were seen; None: Bonança.

    Raises:
        NotFound: no such service.
    """
    policy = get_service(service).backup
    if policy is None or policy.pgbackrest is None:
        return None
    ciphers: dict[str, str] = {}
    rows = Backup.objects.filter(service=service, engine=policy.engine).order_by("-started_at")
    for facts in rows.values_list("facts", flat=True)[:20]:
        ciphers = {**facts.get("ciphers", {}), **ciphers}
    return OutsideView(PGBACKREST, policy.pgbackrest.stanza, tuple(sorted(ciphers.items())))
