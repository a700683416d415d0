from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class CommsConfig(RoomConfig):
    name = "bonanca.comms"
    label = "comms"
