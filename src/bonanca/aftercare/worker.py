"""What this room does by itself."""

from __future__ import annotations

from datetime import datetime

from bonanca.aftercare.operations.forget_contents import forget_contents
from bonanca.aftercare.operations.look_at_watches import look_at_watches
from bonanca.kernel.database import retrying
from bonanca.outbox.periodic import periodic


@periodic("aftercare.watch", every_s=5.0)
def watch(now: datetime) -> None:
    """Look at every service that is watched closer than usual."""
    look_at_watches(now=now)


@periodic("aftercare.forget", every_s=3600.0)
def forget(now: datetime) -> None:
    """Remove the contents of failed work when their time is over."""
    retrying(forget_contents)(now=now)
