from __future__ import annotations

from bonanca.kernel import plugins


class GatewayConfig(plugins.RoomConfig):
    name = "bonanca.actuators.gateway"
    label = "gateway"
