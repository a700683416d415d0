"""Read `database.standby`."""

from __future__ import annotations

from pathlib import Path

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import ServerSpec, StandbySpec

DAY_S = 86_400.0
BOTH = 2


def read_standby(reader: Reader) -> StandbySpec | None:
    """Only the file with its address is required."""
    dsn_file = reader.path("dsn_file", required=True)
    max_lag_s = reader.number("max_lag_s", 60.0, above=True, maximum=DAY_S)
    max_lag_bytes = reader.number("max_lag_bytes", 64e6, above=True, maximum=1e13)
    max_wal_bytes = reader.number("max_wal_bytes", 4e9, above=True, maximum=1e13)
    servers = reader.each("servers", _server, "server")
    if servers and len({server.data for server in servers}) != BOTH:
        reader.bad(reader.entries["servers"], "servers", "both servers of the pair, each with its own data folder")
        servers = ()
    return StandbySpec(dsn_file, max_lag_s, max_lag_bytes, max_wal_bytes, servers) if dsn_file else None


def _server(reader: Reader) -> ServerSpec:
    data = reader.path("data", required=True) or Path()
    start, stop = reader.words("start", required=True), reader.words("stop", required=True)
    return ServerSpec(data, start, stop)
