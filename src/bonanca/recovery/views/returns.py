"""Where the data of a service goes in a rollback that uses a backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class ReturnView:
    """The moment to which a backup takes the data back; `backup_id` None: there is none from before the pin.

    `target` is what the restore is asked for ({kind, value, timeline}), `at` the moment of the data. `xid` is the
    server's first transaction id after it (empty: unknown, so rows can be told by their time alone). `drilled_s` is
    what the last restore of such a backup took in a drill.
    """

    engine: str
    backup_id: UUID | None
    backup_at: datetime | None
    target: Mapping[str, Any]
    at: datetime
    xid: str
    drilled_s: float | None
