"""Ask a service from outside whether it works: HTTP at every replica, SQL at its database (requirement T8)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import psycopg

from bonanca.catalog.spec import VerifySpec

HTTP_TIMEOUT_S = 5.0
SQL_TIMEOUT_MS = 10_000
BODY_LIMIT = 1_000_000


@dataclass(frozen=True)
class Verdict:
    """One check's outcome at one place; `found` says what was seen."""

    name: str
    where: str
    passed: bool
    found: str


def ask(check: VerifySpec, *, replicas: tuple[str, ...], dsn: str | None) -> tuple[Verdict, ...]:
    """Carry out one check: at every replica when it is HTTP, once when it is SQL."""
    if check.http is not None:
        return tuple(_http(check, base) for base in replicas)
    return (_sql(check, dsn),)


def _http(check: VerifySpec, base: str) -> Verdict:
    try:
        with httpx.stream("GET", f"{base}{check.http}", timeout=HTTP_TIMEOUT_S, follow_redirects=False) as response:
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > BODY_LIMIT:
                    break
    except httpx.HTTPError as failure:
        return Verdict(check.name, base, False, f"{type(failure).__name__}: {failure}")
    if response.status_code != check.expect_status:
        return Verdict(check.name, base, False, f"HTTP {response.status_code}, expected {check.expect_status}")
    if check.contains is not None and check.contains not in body.decode("utf-8", "replace"):
        return Verdict(check.name, base, False, f"the answer does not contain {check.contains!r}")
    return Verdict(check.name, base, True, f"HTTP {response.status_code}")


def _sql(check: VerifySpec, dsn: str | None) -> Verdict:
    if dsn is None or check.sql is None:
        return Verdict(check.name, "sql", False, "the service declares no database")
    try:
        with psycopg.connect(dsn, connect_timeout=5, autocommit=True) as connection:
            # Psycopg's own `read_only` speaks of transactions that it begins: in autocommit there are none.
            connection.execute("SET default_transaction_read_only = on")
            connection.execute(f"SET statement_timeout = {SQL_TIMEOUT_MS}")
            row = connection.execute(check.sql.encode()).fetchone()
    except psycopg.Error as failure:
        return Verdict(check.name, "sql", False, f"{type(failure).__name__}: {failure}".strip())
    found: Any = row[0] if row else None
    return Verdict(check.name, "sql", _as_declared(check, found), f"{found}")


def _as_declared(check: VerifySpec, found: Any) -> bool:
    number = isinstance(found, int | float | Decimal) and not isinstance(found, bool)
    if check.at_least is not None:
        return number and found >= check.at_least
    if number and isinstance(check.equals, int | float) and not isinstance(check.equals, bool):
        return bool(found == check.equals)
    return str(found) == str(check.equals)
