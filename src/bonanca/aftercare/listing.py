"""Read what failed in a period from a service's declared sources. Nothing is changed anywhere."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.utils.translation import gettext as _
from psycopg.rows import dict_row

from bonanca.aftercare.programs import carry_out
from bonanca.catalog.spec import LogSource, ServiceView, SourceSpec
from bonanca.kernel.errors import BonancaError

MOST_ITEMS = 10_000
MAX_KEY = 200
MAX_PAYLOAD = 256 * 1024
SQL_TIMEOUT_MS = 30_000
COMMAND_TIMEOUT_S = 120.0
LOG_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Listed:
    """One failed job, message or request; `content` is what is sent when it is done again."""

    source: str
    key: str
    failed_at: datetime | None
    label: str
    content: dict[str, str]
    idempotency_key: str


class _Bad(Exception):
    """A line or row that names nothing that could be done again; it is counted and told."""


def list_source(service: ServiceView, source: SourceSpec, since: datetime, until: datetime) -> tuple[list[Listed], str]:
    """Return what a source lists, each key once, and what was wrong with it in words (empty: nothing).

    A source that cannot be read lists nothing, and says why; it holds up no other.
    """
    found: dict[str, Listed] = {}
    bad = 0
    try:
        for facts in _facts(service, source, since, until):
            try:
                one = _listed(service, source, facts)
            except _Bad:
                bad += 1
                continue
            # The last line about a key is what was asked last.
            found[one.key] = one
            if len(found) > MOST_ITEMS:
                found.pop(one.key)
                return list(found.values()), _("there are more than %(most)d: choose a shorter period") % {
                    "most": MOST_ITEMS
                }
    except (BonancaError, OSError, psycopg.Error, ValueError) as problem:
        return list(found.values()), f"{type(problem).__name__}: {problem}".strip()[:500]
    return list(found.values()), _("%(count)d entries without a usable key or content were left out") % {
        "count": bad
    } if bad else ""


def _facts(service: ServiceView, source: SourceSpec, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    if source.sql is not None:
        return _from_sql(service, source.sql, since, until)
    if source.log is not None:
        return _from_log(source.log, since, until)
    return _from_command(service, source.command, since, until)


def _from_sql(service: ServiceView, sql: str, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    assert service.database is not None  # the catalog refuses such a source without one
    with psycopg.connect(
        service.database.dsn(), connect_timeout=5, autocommit=True, row_factory=dict_row
    ) as connection:
        connection.execute("SET default_transaction_read_only = on")
        connection.execute(f"SET statement_timeout = {SQL_TIMEOUT_MS}")
        with connection.transaction(), connection.cursor(name="bonanca_failed") as cursor:
            cursor.execute(sql.encode(), {"since": since, "until": until})
            yield from cursor


def _from_log(log: LogSource, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    deadline = time.monotonic() + LOG_TIMEOUT_S
    with Path(log.file).open("rb") as lines:
        for number, line in enumerate(lines):
            if number % 1000 == 0 and time.monotonic() > deadline:
                raise ValueError(_("reading the log took longer than %(seconds)d s") % {"seconds": LOG_TIMEOUT_S})
            facts = _line(line)
            if facts is None or not _failed(log, facts):
                continue
            at = _moment(facts.get(log.at))
            if at is None or not since <= at < until:
                continue
            method, path = str(facts.get(log.method) or ""), str(facts.get(log.path) or "")
            yield {
                "key": facts.get(log.key),
                "at": at,
                "payload": facts.get(log.body),
                "label": f"{method} {path} {facts.get(log.status)}",
                "method": method.upper(),
                "path": path,
                "idempotency_key": facts.get("idempotency_key"),
            }


def _failed(log: LogSource, facts: dict[str, Any]) -> bool:
    try:
        status = int(facts.get(log.status) or 0)
    except (TypeError, ValueError):
        return False
    path = str(facts.get(log.path) or "")
    wanted = str(facts.get(log.method) or "").upper() in log.methods
    return status >= log.failed and wanted and (not log.paths or path.startswith(log.paths))


def _from_command(
    service: ServiceView, words: tuple[str, ...], since: datetime, until: datetime
) -> Iterator[dict[str, Any]]:
    moments = {"since": since.isoformat(), "until": until.isoformat()}
    with tempfile.TemporaryFile() as out:
        ended = carry_out(service, words, given=moments, timeout_s=COMMAND_TIMEOUT_S, stdout=out)
        if ended.problem:
            raise ValueError(ended.problem)
        out.seek(0)
        for line in out:
            facts = _line(line)
            if facts is not None:
                yield facts


def _line(line: bytes) -> dict[str, Any] | None:
    try:
        facts = json.loads(line)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def _listed(service: ServiceView, source: SourceSpec, facts: dict[str, Any]) -> Listed:
    key = facts.get("key")
    text = "" if key is None or isinstance(key, (dict, list)) else str(key).strip()
    content = {"payload": _payload(facts.get("payload"))}
    content |= {name: str(facts[name]) for name in ("method", "path") if facts.get(name)}
    if not text or len(text) > MAX_KEY or "\x00" in f"{text}{content}" or len(content["payload"]) > MAX_PAYLOAD:
        raise _Bad
    if source.again.http and "{path}" in source.again.http.path and not content.get("path", "").startswith("/"):
        raise _Bad
    # What the caller had sent is used when it is known: an order that got through before its answer was lost is found.
    own = facts.get("idempotency_key")
    given = str(own) if isinstance(own, (str, int)) and 0 < len(str(own)) <= MAX_KEY and str(own).isprintable() else ""
    return Listed(
        source=source.name,
        key=text,
        failed_at=_moment(facts.get("at")),
        label=str(facts.get("label") or "")[:300].replace("\x00", ""),
        content=content,
        idempotency_key=given or f"bonanca:{service.slug}:{source.name}:{text}"[:255],
    )


def _payload(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _moment(value: Any) -> datetime | None:
    """A time of a log or a row; one without a zone is UTC, a number counts seconds since 1970."""
    try:
        if isinstance(value, datetime):
            at = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            at = datetime.fromtimestamp(value, UTC)
        else:
            at = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
