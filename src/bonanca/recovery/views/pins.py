"""Pins as others see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bonanca.recovery.state import PinKind, PinState


@dataclass(frozen=True)
class PinView:
    """The state of a service before a change. `held_seconds`: how long new connections waited for it.

    `spare_name`: a copy of it that is made beforehand, so that going back waits for none; ready since `spare_at`.
    """

    id: UUID
    service: str
    change_id: str
    state: PinState
    release_sha: str
    config_path: str
    config_sha256: str
    config_mode: int | None
    database: str
    copy_name: str
    taken_at: datetime
    xid: str
    lsn: str
    properties: Mapping[str, Any]
    row_counts: Mapping[str, int]
    size_bytes: int | None
    held_seconds: float | None
    expires_at: datetime
    kind: PinKind = PinKind.COPY
    method: str = ""
    point: str = ""
    system_identifier: str = ""
    took_seconds: float | None = None
    spare_name: str = ""
    spare_at: datetime | None = None

    @property
    def has_data(self) -> bool:
        return bool(self.copy_name)
