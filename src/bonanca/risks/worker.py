"""What the worker does for contingencies by itself."""

from __future__ import annotations

from datetime import datetime

from bonanca.outbox.periodic import periodic
from bonanca.risks.operations.watch_contingencies import watch_contingencies


@periodic("risks.contingencies", every_s=60.0)
def contingencies(now: datetime) -> None:
    """Raise and end the alerts of contingencies that do not count or run too long."""
    watch_contingencies(now=now)
