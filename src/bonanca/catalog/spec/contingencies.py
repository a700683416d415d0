"""What people do while a service is away (requirements H3 and H4)."""

from dataclasses import dataclass

# By hand, by another way to reach people, at another site, or with less than usual.
CONTINGENCY_KINDS = ("manual", "channel", "site", "degraded")


@dataclass(frozen=True)
class ContingencySpec:
    """A way to go on: when it is for, who does it, how to begin and how to come back, each in steps.

    It counts while it was walked through to the end within `exercise_every_days`; `max_h` is how many hours it can be
    kept up (None: as long as needed).
    """

    slug: str
    name: str
    kind: str
    when: str
    who: str
    begin: tuple[str, ...]
    end: tuple[str, ...]
    exercise_every_days: float = 90.0
    max_h: float | None = None
