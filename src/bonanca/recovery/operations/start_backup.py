"""Have a backup taken, and restored for proof, by a worker: a plan that survives the one who asked."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.views import PlanRunView
from bonanca.recovery.engines import OUTSIDE
from bonanca.recovery.operations.begin_backup import NoBackupDeclared, no_backup_declared

TITLE = gettext_noop("Back up and restore for proof")
TAKE = gettext_noop("Take a backup, encrypted, in every place")
VERIFY = gettext_noop("Restore it into a scratch server and check it")
TAKE_TIMEOUT_S = 6 * 3600.0
VERIFY_TIMEOUT_S = 6 * 3600.0

__all__ = ["NoBackupDeclared", "start_backup"]


def start_backup(*, service: str, actor: Actor, now: datetime, key: str, verify: bool | None = None) -> PlanRunView:
    """Start a plan that backs the service up; under one `key` there is one plan.

    Args:
        verify: restore it into a scratch server, too; default: when the private key is declared on this machine.

    Raises:
        NotFound, NoBackupDeclared, NotAllowed.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    if not declared.backed_up or declared.backup is None:
        raise no_backup_declared(service)
    if verify is None:
        verify = declared.backup.identity_file is not None or declared.backup.engine in OUTSIDE
    params = {"service": service}
    steps = [StepSpec("backup", "recovery.backup", params, TAKE, timeout_s=TAKE_TIMEOUT_S)]
    if verify:
        steps.append(StepSpec("verify", "recovery.verify_backup", params, VERIFY, timeout_s=VERIFY_TIMEOUT_S))
    spec = PlanSpec("backup", f"service:{service}", TITLE, tuple(steps), {"team": declared.team_slug})
    with transaction.atomic():
        return start_plan(spec, actor=actor, now=now, key=key)
