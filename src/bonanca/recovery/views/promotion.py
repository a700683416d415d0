"""What a promotion would do, before a person says yes."""

from __future__ import annotations

from dataclasses import dataclass

from bonanca.durable.plan import StepSpec


@dataclass(frozen=True)
class PromotionPreview:
    """`problems` forbid it. Without `primary_answers` up to `lag_bytes` (None: nobody knows) are lost for good.

    `begun`: the standby is a primary already, by a promotion that never ended; the plan ends it.
    """

    service: str
    team: str
    primary_answers: bool
    lag_s: float | None
    lag_bytes: int | None
    problems: tuple[str, ...]
    steps: tuple[StepSpec, ...]
    undo: tuple[str, ...]
    begun: bool = False
