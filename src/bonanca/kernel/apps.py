from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class KernelConfig(RoomConfig):
    name = "bonanca.kernel"
    label = "kernel"
