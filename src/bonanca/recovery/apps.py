from __future__ import annotations

from bonanca.kernel import plugins


class RecoveryConfig(plugins.RoomConfig):
    name = "bonanca.recovery"
    label = "recovery"
