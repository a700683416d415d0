from __future__ import annotations

from datetime import datetime

from bonanca.kernel.clock import utc_now
from bonanca.notify.operations.send_due import send_due
from bonanca.outbox.periodic import periodic


@periodic("notify.send", every_s=0.5)
def send(now: datetime) -> None:
    """Send what is due."""
    send_due(now, clock=utc_now)
