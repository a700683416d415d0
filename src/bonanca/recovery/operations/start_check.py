"""Have a backup's copies read by a worker."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.views import PlanRunView
from bonanca.recovery.queries import get_backup

CHECK = gettext_noop("Read every copy of a backup and compare it with what was written")
CHECK_TIMEOUT_S = 12 * 3600.0


def start_check(*, backup_id: UUID, repair: bool, actor: Actor, now: datetime, key: str) -> PlanRunView:
    """Start a plan that checks every copy, and repairs damaged ones when asked; under one `key` there is one plan.

    Raises:
        BackupNotFound, NotAllowed.
    """
    backup = get_backup(backup_id)
    team = get_service(backup.service).team_slug
    require(actor, Permission.RESPOND, team=team)
    params = {"backup_id": str(backup_id), "repair": repair}
    step = StepSpec("check", "recovery.check_backup", params, CHECK, timeout_s=CHECK_TIMEOUT_S)
    with transaction.atomic():
        spec = PlanSpec("check", f"service:{backup.service}", CHECK, (step,), {"team": team})
        return start_plan(spec, actor=actor, now=now, key=key)
