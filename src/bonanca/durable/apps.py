from __future__ import annotations

from bonanca.kernel import plugins


class DurableConfig(plugins.RoomConfig):
    name = "bonanca.durable"
    label = "durable"
