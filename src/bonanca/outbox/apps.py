from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class OutboxConfig(RoomConfig):
    name = "bonanca.outbox"
    label = "outbox"
