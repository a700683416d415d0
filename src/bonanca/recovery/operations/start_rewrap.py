"""Have a service's backups wrapped for its declared keys by a worker, with the private key that is declared there."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.views import PlanRunView
from bonanca.recovery.operations.rewrap_backup import NothingToRewrap
from bonanca.recovery.queries import keys_of

TITLE = gettext_noop("Wrap the backups' keys for the declared recipients")
TIMEOUT_S = 12 * 3600.0


def start_rewrap(*, service: str, actor: Actor, now: datetime, key: str) -> PlanRunView:
    """Start a plan that rewraps every backup which the declared private key opens; under one `key` there is one plan.

    No private key is given to it: the worker reads the declared file, on its machine, and keeps nothing of it.

    Raises:
        NotFound, NotAllowed (commanders only). NothingToRewrap: there is none, or another key is needed.
    """
    declared = get_service(service)
    require(actor, Permission.COMMAND)
    keys = keys_of(service)
    if not keys.openable:
        raise NothingToRewrap(
            _("The declared private key opens no backup of %(service)s that has to be wrapped again.")
            % {"service": service},
            hint=_("With another key: bonanca backup rewrap %(service)s --identity-file FILE") % {"service": service},
        )
    ids = [str(backup.backup_id) for backup in keys.openable]
    step = StepSpec("rewrap", "recovery.rewrap", {"service": service, "backups": ids}, TITLE, timeout_s=TIMEOUT_S)
    with transaction.atomic():
        spec = PlanSpec("rewrap", f"service:{service}", TITLE, (step,), {"team": declared.team_slug})
        return start_plan(spec, actor=actor, now=now, key=key)
