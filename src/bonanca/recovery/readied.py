"""Copies of pins that lie ready to be put in place."""

from __future__ import annotations

from bonanca.actuators.postgres.sessions import derived_name
from bonanca.recovery.views import PinView


def ready_name(pin: PinView) -> str:
    """The name of the database that is a pin's ready copy, if there is one."""
    return derived_name(pin.database, "ready", pin.id.hex[-12:])
