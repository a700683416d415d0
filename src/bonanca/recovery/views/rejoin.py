"""What bringing an old primary back would do, before a person says yes."""

from __future__ import annotations

from dataclasses import dataclass

from bonanca.durable.plan import StepSpec


@dataclass(frozen=True)
class RejoinPreview:
    """`problems` forbid it. `rewind`: only what differs is brought back; else all is copied and `kept_as` remains.

    `why`: in words, why it has to be copied (empty when it is rewound). `steps` are those of the standby alone,
    `steps_back` also those that make it the primary.
    """

    service: str
    team: str
    data: str
    rewind: bool
    why: str
    kept_as: str
    problems: tuple[str, ...]
    steps: tuple[StepSpec, ...]
    steps_back: tuple[StepSpec, ...]
    words: tuple[str, ...]
    words_back: tuple[str, ...]
