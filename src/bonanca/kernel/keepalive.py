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
