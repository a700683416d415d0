"""Read what failed in a period from a service's declared sources. Nothing is changed anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

import psycopg
from django.utils.translation import gettext as _
from psycopg.rows import dict_row

from bonanca.actuators.command.output import Bounded, lines_of
from bonanca.aftercare.addresses import address, usable, within
from bonanca.aftercare.programs import carry_out, fits
from bonanca.catalog.spec import LogSource, ServiceView, SourceSpec
from bonanca.kernel.errors import BonancaError
from bonanca.kernel.texts import is_storable, shown

MOST_ITEMS = 10_000
MAX_KEY = 200
MAX_OUR_KEY = 255
OUR_KEYS = "bonanca:"
MAX_PAYLOAD = 256 * 1024
# A payload whose every character is escaped (\uXXXX), and the rest of its line.
MAX_LINE = 2 * 1024 * 1024
# Of all sources of a list together: it is held in memory until it is written down.
MOST_BYTES = 64 * 1024 * 1024
ITEM_BYTES = 2 * 1024
MOST_OUTPUT = 128 * 1024 * 1024
# Rows that are fetched at once; each may be as large as the database lets it be.
ROWS_AT_ONCE = 50
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


class Unread(BonancaError):
    """A source could not be read to its end; what it gave until then is listed."""


class _Bad(Exception):
    """A line or row that names nothing that could be done again; it is counted and told."""


class Room:
    """How much a list may still hold, of all its sources together."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.left = most_bytes

    def takes(self, one: Listed, instead_of: Listed | None) -> bool:
        """Whether it fits; then it counts."""
        left = self.left - _size(one) + (_size(instead_of) if instead_of else 0)
        if left < 0:
            return False
        self.left = left
        return True


def _size(one: Listed) -> int:
    return ITEM_BYTES + sum(len(text.encode()) for text in one.content.values())


def list_source(
    service: ServiceView, source: SourceSpec, since: datetime, until: datetime, room: Room | None = None
) -> tuple[list[Listed], str]:
    """Return what a source lists, each key once, and what was wrong with it in words (empty: nothing).

    A source that cannot be read lists nothing, and says why; it holds up no other.
    """
    found: dict[str, Listed] = {}
    room, bad = room or Room(), 0
    try:
        with closing(_facts(service, source, since, until)) as entries:
            for facts in entries:
                try:
                    one = _listed(service, source, facts)
                except (_Bad, RecursionError):
                    bad += 1
                    continue
                if len(found) >= MOST_ITEMS and one.key not in found:
                    return list(found.values()), _("there are more than %(most)d: choose a shorter period") % {
                        "most": MOST_ITEMS
                    }
                if not room.takes(one, found.get(one.key)):
                    return list(found.values()), _("the list is full: choose a shorter period")
                # The last line about a key is what was asked last.
                found[one.key] = one
    except (BonancaError, OSError, psycopg.Error, ValueError) as problem:
        # Without the details of a database: they may hold a row.
        told = problem.diag.message_primary if isinstance(problem, psycopg.Error) else None
        words = str(problem) if isinstance(problem, Unread) else f"{type(problem).__name__}: {told or problem}"
        return list(found.values()), shown(words, 500)
    return list(found.values()), _("%(count)d entries without a usable key or content were left out") % {
        "count": bad
    } if bad else ""


def _facts(
    service: ServiceView, source: SourceSpec, since: datetime, until: datetime
) -> Generator[dict[str, Any], None, None]:
    if source.sql is not None:
        return _from_sql(service, source.sql, since, until)
    if source.log is not None:
        return _from_log(source.log, since, until)
    return _from_command(service, source.command, since, until)


def _from_sql(
    service: ServiceView, sql: str, since: datetime, until: datetime
) -> Generator[dict[str, Any], None, None]:
    assert service.database is not None  # the catalog refuses such a source without one
    with psycopg.connect(
        service.database.dsn(), connect_timeout=5, autocommit=True, row_factory=dict_row
    ) as connection:
        connection.execute("SET default_transaction_read_only = on")
        connection.execute(f"SET statement_timeout = {SQL_TIMEOUT_MS}")
        with connection.transaction(), connection.cursor(name="bonanca_failed") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(sql.encode(), {"since": since, "until": until})
            yield from cursor


def _from_log(log: LogSource, since: datetime, until: datetime) -> Generator[dict[str, Any], None, None]:
    deadline = time.monotonic() + LOG_TIMEOUT_S
    with _opened(log.file) as lines:
        for line in lines_of(lines, MAX_LINE):
            if time.monotonic() > deadline:
                raise Unread(_("reading the log took longer than %(seconds)d s") % {"seconds": LOG_TIMEOUT_S})
            if line is None:
                yield {}
                continue
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
                # Everybody reads the label; a query may hold what only its sender should know.
                "label": f"{method} {path.partition('?')[0]} {facts.get(log.status)}",
                "method": method.upper(),
                "path": path,
                "idempotency_key": facts.get("idempotency_key"),
            }


def _opened(name: str) -> IO[bytes]:
    """A log is a file: whoever reads a pipe waits for its writer, and a device has no end."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise Unread(_("%(file)s is not a regular file") % {"file": name})
    return file


def _failed(log: LogSource, facts: dict[str, Any]) -> bool:
    try:
        status = int(facts.get(log.status) or 0)
    except (TypeError, ValueError, OverflowError):
        return False
    path, method = facts.get(log.path) or "", facts.get(log.method) or ""
    if not isinstance(path, str) or not isinstance(method, str):
        return False
    wanted = method.upper() in log.methods
    return status >= log.failed and wanted and (not log.paths or within(path, log.paths))


def _from_command(
    service: ServiceView, words: tuple[str, ...], since: datetime, until: datetime
) -> Generator[dict[str, Any], None, None]:
    moments = {"since": since.isoformat(), "until": until.isoformat()}
    with tempfile.TemporaryFile() as out:
        kept = Bounded(out, MOST_OUTPUT)
        ended = carry_out(service, words, given=moments, timeout_s=COMMAND_TIMEOUT_S, stdout=kept)
        if ended.problem:
            raise Unread(ended.problem)
        out.seek(0)
        for line in lines_of(out, MAX_LINE):
            facts = {} if line is None else _line(line)
            if facts is not None:
                yield facts
        if kept.cut:
            raise Unread(_("it printed more than could be kept: choose a shorter period"))


def _line(line: bytes) -> dict[str, Any] | None:
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def _listed(service: ServiceView, source: SourceSpec, facts: dict[str, Any]) -> Listed:
    key = facts.get("key")
    text = "" if key is None or isinstance(key, (dict, list)) else str(key).strip()
    content = {"payload": _payload(facts.get("payload"))}
    content |= {name: str(facts[name]) for name in ("method", "path") if facts.get(name)}
    if not text or len(text) > MAX_KEY or len(content["payload"]) > MAX_PAYLOAD:
        raise _Bad
    # A key is printed where people look: in terminals too.
    if any(letter < " " or "\x7f" <= letter < "\xa0" for letter in text):
        raise _Bad
    if not all(is_storable(one) for one in (text, *content.values())):
        raise _Bad
    path, again = content.get("path", ""), source.again
    if not usable(path) or (again.http and address(again.http, path=path, key=text) is None):
        raise _Bad
    if again.command and not fits(again.command, text):
        raise _Bad
    # What the caller had sent is used when it is known: an order that got through before its answer was lost is found.
    own = facts.get("idempotency_key")
    given = str(own) if isinstance(own, (str, int)) and 0 < len(str(own)) <= MAX_KEY and str(own).isprintable() else ""
    # One of ours, given by a stranger, would say of other work that it was done.
    given = "" if given.startswith(OUR_KEYS) else given
    return Listed(
        source=source.name,
        key=text,
        failed_at=_moment(facts.get("at")),
        label=shown(str(facts.get("label") or ""), 300),
        content=content,
        idempotency_key=given or _our_key(f"{OUR_KEYS}{service.slug}:{source.name}:{text}"),
    )


def _our_key(whole: str) -> str:
    """A key that fits where keys are kept; two long ones that only end differently stay two."""
    if len(whole) <= MAX_OUR_KEY:
        return whole
    return f"{whole[: MAX_OUR_KEY - 65]}:{hashlib.sha256(whole.encode()).hexdigest()}"


def _payload(value: Any) -> str:
    if value is None:
        return ""
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        raise _Bad from None


def _moment(value: Any) -> datetime | None:
    """A time of a log or a row; one without a zone is UTC, a number counts seconds since 1970.

    None of what is no time, or of one that no clock has shown: at the edges of the calendar a zone leads beyond it.
    """
    try:
        if isinstance(value, datetime):
            at = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            at = datetime.fromtimestamp(value, UTC)
        else:
            at = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    if not 1970 <= at.year < 9999:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
