from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class IncidentsConfig(RoomConfig):
    name = "bonanca.incidents"
    label = "incidents"
