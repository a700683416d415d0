"""Have a backup restored for proof by a worker."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.views import PlanRunView
from bonanca.recovery.operations.begin_drill import not_restorable
from bonanca.recovery.operations.start_backup import VERIFY, VERIFY_TIMEOUT_S
from bonanca.recovery.queries import get_backup
from bonanca.recovery.state import RESTORABLE
from bonanca.ui.phrases import Phrase


def start_drill(*, backup_id: UUID, actor: Actor, now: datetime, key: str) -> PlanRunView:
    """Start a plan that restores a backup into a scratch server and checks it.

    Raises:
        BackupNotFound, NotRestorable, NotAllowed.
    """
    backup = get_backup(backup_id)
    team = get_service(backup.service).team_slug
    require(actor, Permission.RESPOND, team=team)
    if backup.state not in RESTORABLE:
        raise not_restorable(backup)
    params = {"service": backup.service, "backup_id": str(backup_id)}
    step = StepSpec("verify", "recovery.verify_backup", params, VERIFY, timeout_s=VERIFY_TIMEOUT_S)
    with transaction.atomic():
        spec = PlanSpec("drill", f"service:{backup.service}", Phrase(VERIFY), (step,), {"team": team})
        return start_plan(spec, actor=actor, now=now, key=key)
