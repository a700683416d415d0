from __future__ import annotations

from bonanca.kernel import plugins


class KernelConfig(plugins.RoomConfig):
    name = "bonanca.kernel"
    label = "kernel"
