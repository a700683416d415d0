"""Take a turn at a gateway's desired state: one writer at a time, none of a plan's past."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM, Actor
from bonanca.actuators.gateway.models import Gateway, SeenEpoch
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from bonanca.kernel.audit import record


def take_turn(gateway: str, fence: FenceToken | None) -> Gateway:
    """Lock the gateway's row (made when it is new) until the caller's transaction ends.

    Raises:
        Fenced: a newer epoch of the plan has steered a gateway, or has the plan.
    """
    Gateway.objects.bulk_create([Gateway(name=gateway)], ignore_conflicts=True)
    row = Gateway.objects.select_for_update().get(name=gateway)
    if fence is not None:
        _refuse_outdated(fence)
    return row


def _refuse_outdated(fence: FenceToken) -> None:
    seen = SeenEpoch.objects.select_for_update().filter(run_id=fence.run_id).first()
    if seen is not None and seen.epoch > fence.epoch:
        raise Fenced(
            _("Epoch %(epoch)d of plan %(run)s is over; epoch %(newest)d was here.")
            % {"epoch": fence.epoch, "run": fence.run_id, "newest": seen.epoch}
        )
    if fence.verify is not None:
        fence.verify()
    if seen is None or seen.epoch < fence.epoch:
        SeenEpoch.objects.update_or_create(run_id=fence.run_id, defaults={"epoch": fence.epoch})


def next_version(row: Gateway) -> int:
    """Count one change of a gateway whose turn was taken."""
    row.version += 1
    row.save(update_fields=["version"])
    return row.version


def note(gateway: str, action: str, facts: dict[str, Any], *, actor: Actor | None, now: datetime) -> str:
    """Write into the gateway's audit chain; return who did it."""
    who = (actor or SYSTEM("gateway")).label
    record(aggregate=f"gateway:{gateway}", action=action, actor=who, facts=facts, now=now)
    return who
