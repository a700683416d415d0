"""Facts that rooms tell each other. An event is a frozen dataclass with a versioned name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from bonanca.kernel.typed import convert

_BY_NAME: dict[str, type[Event]] = {}


@dataclass(frozen=True)
class Event:
    """Base of every event: subclasses are frozen dataclasses with a NAME like `incidents.incident.opened.v1`."""

    NAME: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.NAME:
            raise TypeError(f"{cls.__qualname__} needs a NAME such as 'incidents.incident.opened.v1'")
        known = _BY_NAME.setdefault(cls.NAME, cls)
        if known.__qualname__ != cls.__qualname__ or known.__module__ != cls.__module__:
            raise TypeError(f"two events are named {cls.NAME}: {known.__module__} and {cls.__module__}")
        _BY_NAME[cls.NAME] = cls


def to_payload(event: Event) -> dict[str, Any]:
    """Return the event's facts as JSON values."""
    payload: dict[str, Any] = msgspec.to_builtins(event)
    return payload


def from_payload(name: str, payload: dict[str, Any]) -> Event:
    """Rebuild the event `name`; unknown keys (of a newer release) are ignored.

    Raises:
        LookupError: no room declares an event of that name.
        msgspec.ValidationError: the facts do not fit the declaration.
    """
    try:
        declared = _BY_NAME[name]
    except KeyError:
        raise LookupError(f"no event is named {name}") from None
    return convert(payload, declared, strict=False)
