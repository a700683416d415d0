from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class UiConfig(RoomConfig):
    name = "bonanca.ui"
    label = "ui"
