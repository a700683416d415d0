from __future__ import annotations

from bonanca.kernel import plugins


class IncidentsConfig(plugins.RoomConfig):
    name = "bonanca.incidents"
    label = "incidents"
