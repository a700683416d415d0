from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class DeliveryConfig(RoomConfig):
    name = "bonanca.delivery"
    label = "delivery"
