"""A second server that follows a service's database, and how far it may fall behind."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerSpec:
    """One of the two servers, on a machine where a worker runs: its data folder, and the commands for it."""

    data: Path
    start: tuple[str, ...]
    stop: tuple[str, ...]


@dataclass(frozen=True)
class StandbySpec:
    """A streaming standby. Its address is in a file, like the primary's; limits beyond which an alert is raised.

    `max_wal_bytes`: the most write-ahead log that a replication slot may hold back on the primary. `servers`: both of
    them or none; with them an old primary can be made a standby again.
    """

    dsn_file: Path
    max_lag_s: float = 60.0
    max_lag_bytes: float = 64e6
    max_wal_bytes: float = 4e9
    servers: tuple[ServerSpec, ...] = ()
