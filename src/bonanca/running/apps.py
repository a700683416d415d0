from __future__ import annotations

from bonanca.kernel import plugins


class RunningConfig(plugins.RoomConfig):
    name = "bonanca.running"
    label = "running"
