from __future__ import annotations

from datetime import datetime

from bonanca.notify.operations.send_due import send_due
from bonanca.outbox.periodic import periodic


@periodic("notify.send", every_s=0.5)
def send(now: datetime) -> None:
    """Send what is due."""
    send_due(now)
