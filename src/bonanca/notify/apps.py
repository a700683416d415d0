from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class NotifyConfig(RoomConfig):
    name = "bonanca.notify"
    label = "notify"
