from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class SignalsConfig(RoomConfig):
    name = "bonanca.signals"
    label = "signals"
