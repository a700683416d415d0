"""Who wants to hear of what. Filled by `bonanca.reactions`, one file an event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from bonanca.kernel.events import Event

E = TypeVar("E", bound=Event)
Subscriber = Callable[[Any, datetime], None]

_SUBSCRIBERS: dict[str, dict[str, Subscriber]] = {}


def reaction(event: type[E], name: str) -> Callable[[Callable[[E, datetime], None]], Callable[[E, datetime], None]]:
    """Register a function as the subscriber `name` of an event.

    It runs inside the transaction that marks its delivery done, so what it writes to our database
    happens once; what it does elsewhere may happen twice and needs a key of its own.
    """

    def register(function: Callable[[E, datetime], None]) -> Callable[[E, datetime], None]:
        known = _SUBSCRIBERS.setdefault(event.NAME, {})
        if name in known and known[name].__module__ != function.__module__:
            raise ValueError(f"two reactions to {event.NAME} are called {name}")
        known[name] = function
        return function

    return register


def subscribers(event_name: str) -> dict[str, Subscriber]:
    """Return the event's subscribers by name."""
    return _SUBSCRIBERS.get(event_name, {})
