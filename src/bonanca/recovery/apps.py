from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class RecoveryConfig(RoomConfig):
    name = "bonanca.recovery"
    label = "recovery"
