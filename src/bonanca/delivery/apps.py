from __future__ import annotations

from bonanca.kernel import plugins


class DeliveryConfig(plugins.RoomConfig):
    name = "bonanca.delivery"
    label = "delivery"
