from __future__ import annotations

from bonanca.kernel import plugins


class AccessConfig(plugins.RoomConfig):
    name = "bonanca.access"
    label = "access"
