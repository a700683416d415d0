from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class OnCallConfig(RoomConfig):
    name = "bonanca.oncall"
    label = "oncall"
