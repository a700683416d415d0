from __future__ import annotations

from bonanca.kernel import plugins


class AftercareConfig(plugins.RoomConfig):
    name = "bonanca.aftercare"
    label = "aftercare"
