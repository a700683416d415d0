"""Seconds of contenders who take turns, and what is asked of their ratio."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Say = Callable[[str], None]
# A contender does its work once and returns facts worth keeping; what it must tidy up it does after `done`.
Contender = Callable[["Lap"], None]


@dataclass
class Lap:
    """One attempt. Time runs from the start until `done`, or the end of the call when nobody said so."""

    began: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def begin(self) -> None:
        """Start the clock anew: what came before was to make ready."""
        self.began = time.monotonic()

    def done(self) -> None:
        """Stop the clock."""
        if self.seconds is None:
            self.seconds = time.monotonic() - self.began


@dataclass
class Measured:
    """All laps of one contender."""

    name: str
    seconds: list[float] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.seconds)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "seconds": [round(one, 3) for one in self.seconds],
            "median": round(self.median, 3),
            "min": round(min(self.seconds), 3),
            "max": round(max(self.seconds), 3),
            "facts": self.facts,
        }


@dataclass(frozen=True)
class Aim:
    """What is asked: `contender` at most `limit` × `peer`, or at most `limit` seconds when there is no peer."""

    words: str
    contender: str
    limit: float
    peer: str | None = None


@dataclass
class Chapter:
    """A comparison: who took how long, and which aims it meets."""

    title: str
    explanation: str
    measured: list[Measured]
    aims: Sequence[Aim] = ()
    notes: list[str] = field(default_factory=list)

    def of(self, name: str) -> Measured | None:
        return next((one for one in self.measured if one.name == name and one.seconds), None)

    def value(self, aim: Aim) -> float | None:
        """The ratio, or the seconds; None: one of the two was not run."""
        contender, peer = self.of(aim.contender), self.of(aim.peer) if aim.peer else None
        if contender is None or (aim.peer and peer is None):
            return None
        return contender.median / peer.median if peer else contender.median

    def to_json(self) -> dict[str, Any]:
        aims = [
            {
                "words": aim.words, "limit": aim.limit, "against": aim.peer,
                "value": None if (value := self.value(aim)) is None else round(value, 3),
                "met": None if value is None else value <= aim.limit,
            }
            for aim in self.aims
        ]  # fmt: skip
        return {
            "title": self.title,
            "explanation": self.explanation,
            "measured": [one.to_json() for one in self.measured if one.seconds],
            "aims": aims,
            "notes": self.notes,
        }


def in_turns(contenders: Mapping[str, Contender], rounds: int, say: Say) -> list[Measured]:
    """Let each do its work `rounds` times, one after the other, each round beginning with another one."""
    measured = {name: Measured(name) for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            lap = Lap()
            contenders[name](lap)
            lap.done()
            assert lap.seconds is not None
            measured[name].seconds.append(lap.seconds)
            measured[name].facts.append(lap.facts)
            facts = ", ".join(f"{key} {value}" for key, value in lap.facts.items())
            say(f"  round {number + 1}  {name:46s} {lap.seconds:8.2f} s  {facts}")
    return list(measured.values())
