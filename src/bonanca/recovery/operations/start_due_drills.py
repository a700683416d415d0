"""Start the drills that the services' schedules ask for (requirement Y8)."""

from __future__ import annotations

import secrets
from datetime import datetime

from bonanca.access.actors import SYSTEM, Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service, list_services
from bonanca.durable.views import PlanRunView
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.operations.begin_drill import NothingToDrill
from bonanca.recovery.operations.start_drill import start_drill
from bonanca.recovery.queries.readiness import drill_due_at, restorable_backups


def start_due_drills(*, now: datetime) -> list[str]:
    """Start a drill for each service whose turn it is; returns a line for each that could not be started."""
    problems = []
    for service in list_services():
        due = drill_due_at(service, now)
        if due is None or due > now:
            continue
        key = f"drill:{service.slug}:due:{int(due.timestamp())}"
        try:
            drill_service(service=service.slug, actor=SYSTEM("recovery"), now=now, key=key)
        except BonancaError as error:
            problems.append(f"{service.slug}: {error}")
    return problems


def drill_service(*, service: str, actor: Actor, now: datetime, key: str, pick: str | None = None) -> PlanRunView:
    """Start a drill of one of the service's backups: the newest, or any of those that can be restored.

    Args:
        pick: newest or random; default: what the service declares.

    Raises:
        NotFound, NotAllowed. NothingToDrill: it has no backup that could be restored.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    spec = declared.backup.drill if declared.backup else None
    found = restorable_backups(service)
    if not found:
        raise NothingToDrill.of(service)
    random = (pick or (spec.pick if spec else "newest")) == "random"
    return start_drill(backup_id=secrets.choice(found) if random else found[0], actor=actor, now=now, key=key)
