"""What the worker does for gateways now and then."""

from __future__ import annotations

from datetime import datetime

from bonanca.actuators.gateway.operations.expire_directives import expire_directives
from bonanca.outbox.periodic import periodic


@periodic("gateway.expire", every_s=2.0)
def expire(now: datetime) -> None:
    """Tell the other rooms which containments have run out."""
    expire_directives(now)
