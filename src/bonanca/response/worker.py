from __future__ import annotations

from datetime import datetime

from bonanca.outbox.periodic import periodic
from bonanca.response.operations.undo_containment import expire_containments


@periodic("response.expire_containments", every_s=1.0)
def expire(now: datetime) -> None:
    """Record containments whose time is over."""
    expire_containments(now)
