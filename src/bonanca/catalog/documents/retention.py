"""Read how long backups are kept."""

from __future__ import annotations

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import RetentionSpec


def read_retention(reader: Reader) -> RetentionSpec:
    """Every number is the most that is kept for its kind; the newest backup is always kept."""
    usual = RetentionSpec()
    return RetentionSpec(
        last=reader.integer("last", usual.last, minimum=1, maximum=10_000),
        daily=reader.integer("daily", usual.daily, minimum=0, maximum=10_000),
        weekly=reader.integer("weekly", usual.weekly, minimum=0, maximum=10_000),
        monthly=reader.integer("monthly", usual.monthly, minimum=0, maximum=10_000),
        yearly=reader.integer("yearly", usual.yearly, minimum=0, maximum=1_000),
        automatic=reader.flag("automatic"),
    )
