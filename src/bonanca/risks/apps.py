from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class RisksConfig(RoomConfig):
    name = "bonanca.risks"
    label = "risks"
