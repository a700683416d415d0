from __future__ import annotations

from bonanca.kernel import plugins


class OnCallConfig(plugins.RoomConfig):
    name = "bonanca.oncall"
    label = "oncall"
