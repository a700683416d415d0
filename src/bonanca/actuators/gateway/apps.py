from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class GatewayConfig(RoomConfig):
    name = "bonanca.actuators.gateway"
    label = "gateway"
