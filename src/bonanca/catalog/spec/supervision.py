"""When Bonança starts a replica again by itself, and when it stops trying."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RestartSpec:
    """At most `max` restarts within `window_s` seconds, the pauses doubling from `backoff_s` to `backoff_max_s`.

    A replica with a health check is asked every `check_every_s` seconds; `failures` bad answers in a row (none within
    `check_timeout_s` seconds is one) restart it like a crash does. `failures` 0: only a crash does.
    """

    max: int = 5
    window_s: float = 300.0
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    failures: int = 3
    check_every_s: float = 5.0
    check_timeout_s: float = 2.0
