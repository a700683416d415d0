"""Everything that is kept of people's data beside the running databases, as others see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Reading:
    """Somebody read it, or had it opened for reading."""

    by: str
    at: datetime
    why: str


@dataclass(frozen=True)
class KeptThing:
    """One thing: `kind` is database (replaced), rows, pin or restored (beside); `key` finds it (a name or an id).

    `expires_at` None: people settle the rows first, or undo the restore. `access` is closed, open (until
    `open_until`), or service: whoever may log in to the service's own database may read it.
    """

    kind: str
    service: str
    key: str
    name: str
    since: datetime
    expires_at: datetime | None
    access: str
    open_until: datetime | None = None
    readings: tuple[Reading, ...] = ()
    rows: int | None = None
    size_bytes: int | None = None
