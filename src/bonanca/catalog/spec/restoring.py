"""How a service's data is brought back, and how long what that replaces is kept."""

from dataclasses import dataclass

KEPT_H = 14 * 24.0


@dataclass(frozen=True)
class RestoreSpec:
    """`jobs`: connections that load tables at a time (0: found out); `keep_replaced_h`: how long it is kept."""

    jobs: int = 0
    keep_replaced_h: float = KEPT_H
