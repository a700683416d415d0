"""Read `backup.drill`: drills on a schedule and their objectives."""

from __future__ import annotations

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import PICKS, DrillSpec

YEAR_S = 366 * 86_400.0


def read_drill(reader: Reader) -> DrillSpec:
    """Every key is optional: an empty mapping is a drill of the newest backup each day, without objectives."""
    return DrillSpec(
        every_h=reader.number("every_h", 24.0, above=True, maximum=24 * 366),
        pick=reader.choice("pick", PICKS, "newest"),
        rpo_s=_objective(reader, "rpo_s"),
        rto_s=_objective(reader, "rto_s"),
    )


def _objective(reader: Reader, key: str) -> float | None:
    return reader.number(key, 1.0, above=True, maximum=YEAR_S) if reader.take(key) is not None else None
