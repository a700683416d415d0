from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class AccessConfig(RoomConfig):
    name = "bonanca.access"
    label = "access"
