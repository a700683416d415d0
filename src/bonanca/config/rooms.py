"""The rooms of the house, from the ground up. A room plugs in by having a file of the agreed name."""

from __future__ import annotations

ROOMS: tuple[str, ...] = (
    "bonanca.kernel",
    "bonanca.ui",
    "bonanca.access",
    "bonanca.outbox",
    "bonanca.durable",
    "bonanca.notify",
    "bonanca.actuators",
    "bonanca.actuators.gateway",
    "bonanca.actuators.ssh",
    "bonanca.catalog",
    "bonanca.running",
    "bonanca.oncall",
    "bonanca.signals",
    "bonanca.incidents",
    "bonanca.risks",
    "bonanca.recovery",
    "bonanca.delivery",
    "bonanca.response",
    "bonanca.aftercare",
    "bonanca.comms",
    "bonanca.postmortems",
    "bonanca.reviews",
    "bonanca.reactions",
)
