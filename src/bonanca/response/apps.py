from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class ResponseConfig(RoomConfig):
    name = "bonanca.response"
    label = "response"
