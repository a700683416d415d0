from __future__ import annotations

from bonanca.kernel import plugins


class NotifyConfig(plugins.RoomConfig):
    name = "bonanca.notify"
    label = "notify"
