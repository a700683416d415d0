"""What a step has touched that never ended: its undo has to bring that back, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from bonanca.durable.context import StepContext


class Touched(Protocol):
    """What is kept of one thing that steps change, with the key of the step that changed it last."""

    @property
    def key(self) -> str: ...


T = TypeVar("T", bound=Touched)


def half_done(ctx: StepContext, known: Iterable[T | None]) -> list[T] | None:
    """Those that the step has touched, when `check` is asked by its undo; else, and when it touched none, None."""
    if not ctx.asked_by_undo:
        return None
    return [one for one in known if one is not None and one.key == ctx.key] or None
