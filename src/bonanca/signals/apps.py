from __future__ import annotations

from bonanca.kernel import plugins


class SignalsConfig(plugins.RoomConfig):
    name = "bonanca.signals"
    label = "signals"
