"""How a service's data is brought back, and how long what that replaces is kept."""

from dataclasses import dataclass

KEPT_H = 14 * 24.0


@dataclass(frozen=True)
class RestoreSpec:
    """`jobs`: connections that load tables at a time; `keep_replaced_h`: hours after which a kept database expires."""

    jobs: int = 2
    keep_replaced_h: float = KEPT_H
