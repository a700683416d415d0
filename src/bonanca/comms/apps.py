from __future__ import annotations

from bonanca.kernel import plugins


class CommsConfig(plugins.RoomConfig):
    name = "bonanca.comms"
    label = "comms"
