from __future__ import annotations

from bonanca.kernel import plugins


class RisksConfig(plugins.RoomConfig):
    name = "bonanca.risks"
    label = "risks"
