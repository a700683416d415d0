"""Every place of a plan's execution at which a process is stopped or killed."""

from __future__ import annotations

from tests.faults.support.house import STEPS

# Inside a step, in the order in which a worker passes them.
OUTSIDE_THE_FENCE = ("check:before", "check:after", "apply:before", "receipt:before", "receipt:after")
INSIDE_THE_FENCE = ("effect:before", "effect:after")
# Between locking the plan's row and the commit: who is stopped here holds what its successor needs.
HOLDING = ("begin:held", "receipt:held")
AROUND = ("claim:after:RUN", "finish:before:RUN", "finish:after:RUN")


def in_steps(*names: str) -> list[str]:
    """The points of each step; TAG stands for the plan's name."""
    return [f"{name}:TAG.{number}" for number in range(1, STEPS + 1) for name in names]


ALL = ["claim:before", *AROUND, *in_steps(*OUTSIDE_THE_FENCE, *INSIDE_THE_FENCE, *HOLDING)]


def of(point: str, tag: str) -> str:
    """The point's name in the plan `tag`."""
    return point.replace("TAG", tag)
