"""Physical backups and the archive of the write-ahead log."""

from dataclasses import dataclass

ENGINES = ("logical", "physical", "pgbackrest")


@dataclass(frozen=True)
class WalSpec:
    """How the log is received: `switch_every_s` is how old unarchived commits may become on a quiet server."""

    switch_every_s: float = 60.0


@dataclass(frozen=True)
class PhysicalSpec:
    """A full backup at least every `full_every_h` hours; in between incremental ones where the server can."""

    full_every_h: float = 168.0
    wal: WalSpec | None = None
