"""Backups by pgBackRest, in repositories of its own."""

from dataclasses import dataclass
from pathlib import Path

BETWEEN = ("incr", "diff")


@dataclass(frozen=True)
class PgBackRestSpec:
    """The stanza, and the configuration that says where its repositories are (None: where pgBackRest looks itself).

    A full backup at least every `full_every_h` hours; in between incremental ones, or differential ones.
    """

    stanza: str
    config: Path | None = None
    full_every_h: float = 168.0
    between: str = "incr"
