from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class DurableConfig(RoomConfig):
    name = "bonanca.durable"
    label = "durable"
