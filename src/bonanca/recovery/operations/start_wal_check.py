"""Have the archived log of a service read by a worker."""

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
from bonanca.recovery.operations.start_check import CHECK_TIMEOUT_S

CHECK = gettext_noop("Read the archived log in every place and compare it with what was written")
REPAIR = gettext_noop("Read the archived log in every place and make again what is damaged")


def start_wal_check(*, service: str, repair: bool, actor: Actor, now: datetime, key: str) -> PlanRunView:
    """Start a plan that checks the archived log, and repairs it when asked; under one `key` there is one plan.

    Raises:
        NotFound, NotAllowed.
    """
    team = get_service(service).team_slug
    require(actor, Permission.RESPOND, team=team)
    title = REPAIR if repair else CHECK
    params = {"service": service, "repair": repair}
    step = StepSpec("check", "recovery.check_wal", params, title, timeout_s=CHECK_TIMEOUT_S)
    with transaction.atomic():
        spec = PlanSpec("check", f"service:{service}", title, (step,), {"team": team})
        return start_plan(spec, actor=actor, now=now, key=key)
