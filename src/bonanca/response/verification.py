"""Ask a service from outside whether it works (requirement T8).

HTTP at every replica, SQL at its database, an open port, and the team's own program such as its test suite.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from bonanca.actuators.asking import NoAnswer, ask_address
from bonanca.actuators.postgres.sessions import said
from bonanca.catalog.spec import ServiceView, VerifySpec
from bonanca.response.service_commands import run_for

HTTP_TIMEOUT_S = 5.0
TCP_TIMEOUT_S = 5.0
SQL_TIMEOUT_MS = 10_000
BODY_LIMIT = 1_000_000


@dataclass(frozen=True)
class Verdict:
    """One check's outcome at one place; `found` says what was seen, `evidence` is the end of a program's output."""

    name: str
    where: str
    passed: bool
    found: str
    evidence: str = ""
    # It could not be asked at all, which says nothing about the service.
    error: bool = False


def check_of(data: Mapping[str, Any]) -> VerifySpec:
    """Return the check that a plan carries as JSON, where tuples have become lists."""
    facts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return VerifySpec(**facts)


def ask(
    check: VerifySpec,
    *,
    replicas: tuple[str, ...],
    dsn: str | None,
    service: ServiceView | None = None,
    watch: Callable[[], None] | None = None,
) -> tuple[Verdict, ...]:
    """Carry out one check: at every replica when it is HTTP, once when it is anything else."""
    if check.http is not None:
        return tuple(_http(check, base) for base in replicas)
    if check.tcp is not None:
        return (_tcp(check, check.tcp),)
    if check.command:
        return (_command(check, service, watch),)
    return (_sql(check, dsn),)


def _http(check: VerifySpec, base: str) -> Verdict:
    try:
        answer = ask_address("GET", f"{base}{check.http}", timeout_s=HTTP_TIMEOUT_S, most_bytes=BODY_LIMIT)
    except NoAnswer as failure:
        return Verdict(check.name, base, False, str(failure))
    if answer.status != check.expect_status:
        return Verdict(check.name, base, False, f"HTTP {answer.status}, expected {check.expect_status}")
    if check.contains is not None and check.contains not in answer.text:
        return Verdict(check.name, base, False, f"the answer does not contain {check.contains!r}")
    return Verdict(check.name, base, True, f"HTTP {answer.status}")


def _tcp(check: VerifySpec, address: str) -> Verdict:
    host, _colon, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=TCP_TIMEOUT_S):
            return Verdict(check.name, address, True, "it answers")
    except (OSError, UnicodeError) as failure:
        return Verdict(check.name, address, False, f"{type(failure).__name__}: {failure}")


def _command(check: VerifySpec, service: ServiceView | None, watch: Callable[[], None] | None) -> Verdict:
    if service is None:
        return Verdict(check.name, "command", False, "there is no service to run it for")
    ended = run_for(service, check.command, timeout_s=check.timeout_s, watch=watch)
    if ended.ok:
        return Verdict(check.name, "command", True, "it ended with 0", ended.tail)
    found = ended.words if ended.returncode is None else f"it ended with {ended.returncode}"
    return Verdict(check.name, "command", False, found, ended.tail)


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
        return Verdict(check.name, "sql", False, f"{type(failure).__name__}: {said(failure)}", error=True)
    found: Any = row[0] if row else None
    return Verdict(check.name, "sql", _as_declared(check, found), f"{found}")


def _as_declared(check: VerifySpec, found: Any) -> bool:
    number = isinstance(found, int | float | Decimal) and not isinstance(found, bool)
    if check.at_least is not None:
        return number and found >= check.at_least
    if number and isinstance(check.equals, int | float) and not isinstance(check.equals, bool):
        return bool(found == check.equals)
    return str(found) == str(check.equals)
