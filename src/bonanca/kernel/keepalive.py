"""When a connection to PostgreSQL counts as dead; libpq's words, for psycopg and Django alike.

A peer that is gone without a word (a cut network, a machine that lost its power) is noticed within half a minute, and
not after the two hours of the kernel's defaults.
"""

from __future__ import annotations

from typing import Any

KEEPALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

# The same, asked of the server about us: a session of a machine that is gone would keep its locks for two hours.
_SERVERS = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}

# Nobody waits for a network or a person inside a transaction. One that is silent for so long is of a process that is
# stopped or of a machine that hangs: PostgreSQL ends it, or its locks would keep every other process out for ever.
# Only for Bonança's own database: on a service's, the fence ends what an older epoch left (actuators/postgres).
ABANDONED_AFTER_S = 5
SERVER_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {**_SERVERS, "idle_in_transaction_session_timeout": f"{ABANDONED_AFTER_S}s"}.items()
)
"""What our sessions on Bonança's own database ask of PostgreSQL; libpq's `options`."""
