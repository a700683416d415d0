"""How long backups are kept."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RetentionSpec:
    """Grandfather, father, son: the newest `last` backups, and the newest of so many days, weeks, months and years.

    Days are those of UTC, and only days that have a backup count. `automatic`: a worker removes the rest once a day.
    """

    last: int = 7
    daily: int = 7
    weekly: int = 4
    monthly: int = 12
    yearly: int = 0
    automatic: bool = False
