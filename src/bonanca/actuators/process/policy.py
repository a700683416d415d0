"""When a replica is started again by itself, and when a person has to be asked (requirement Y2)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HealthWatch:
    """Ask a running replica every `every_s` seconds; `failures` bad answers in a row (none within `timeout_s`
    seconds counts as one) mean that it hangs or is overloaded, and it is restarted.
    """

    every_s: float = 5.0
    failures: int = 3
    timeout_s: float = 2.0


@dataclass(frozen=True)
class RestartPolicy:
    """At most `most` restarts within `window_s` seconds, the pause before each doubling from `backoff_s`.

    One more failure after that, and the replica is given up: nothing happens to it until a person starts it again.
    Without `watch` only a crash restarts a replica.
    """

    most: int = 5
    window_s: float = 300.0
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    watch: HealthWatch | None = None

    def recent(self, restarts: tuple[float, ...], now: float) -> tuple[float, ...]:
        """The restarts that still count at `now` (seconds of the epoch; a clock that went back forgives none)."""
        return tuple(at for at in restarts if abs(now - at) <= self.window_s)

    def pause_s(self, recent: int) -> float:
        """How long to wait before the next restart, after so many."""
        if recent == 0:
            return 0.0
        return float(min(self.backoff_max_s, self.backoff_s * 2.0 ** min(recent - 1, 30)))
