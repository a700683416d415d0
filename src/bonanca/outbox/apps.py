from __future__ import annotations

from bonanca.kernel import plugins


class OutboxConfig(plugins.RoomConfig):
    name = "bonanca.outbox"
    label = "outbox"
