from __future__ import annotations

from bonanca.kernel import plugins


class ResponseConfig(plugins.RoomConfig):
    name = "bonanca.response"
    label = "response"
