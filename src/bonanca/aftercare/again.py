"""Do one failed job, message or request again, under its idempotency key; say what became of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
from django.utils.translation import gettext as _

from bonanca.actuators.asking import NoAnswer, ask_address
from bonanca.actuators.command.answers import APPLIED, CONFLICT, DUPLICATE, said
from bonanca.actuators.command.output import Bounded, Tail, lines_of
from bonanca.aftercare.addresses import address
from bonanca.aftercare.listing import OUR_KEYS
from bonanca.aftercare.programs import carry_out, fits
from bonanca.aftercare.state import ItemState
from bonanca.catalog.spec import AgainSpec, HttpAgain, ServiceView, SourceSpec
from bonanca.durable.context import FenceToken

SQL_TIMEOUT_MS = 30_000
# Answers after which the same request may succeed in a moment, under the same key.
PASSING = frozenset({409, 425, 429})
SHOWN = 300
PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F))
LAST_BYTES = 64 * 1024
# Of a replay: ten thousand answers with a long reason each.
MOST_ANSWERS = 16 * 1024 * 1024
MOST_ANSWER = 64 * 1024
# One row for each key, in the transaction of the statement itself: both are there, or neither.
_DONE = """
    CREATE TABLE IF NOT EXISTS bonanca_done (key text PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());
    COMMENT ON TABLE bonanca_done IS 'What Bonança has run again in this database, once per key.';
"""
_OUTCOMES = {APPLIED: ItemState.DONE, DUPLICATE: ItemState.ALREADY, CONFLICT: ItemState.FAILED}


@dataclass(frozen=True)
class Answer:
    """What became of one attempt. `passing`: the same may succeed in a moment."""

    state: ItemState
    reason: str
    passing: bool = False


@dataclass(frozen=True)
class Work:
    """One item as it is sent."""

    key: str
    idempotency_key: str
    content: dict[str, str]

    @property
    def payload(self) -> str:
        return self.content.get("payload", "")


# Answers by key, and why the program did not end well.
Answers = tuple[dict[str, Answer], str]


def do_again(
    service: ServiceView,
    source: SourceSpec,
    work: Work,
    *,
    watch: Callable[[], None],
    token: FenceToken | None = None,
) -> Answer:
    """One attempt. Whatever happens is an answer; only `watch` and `token` (the plan was stopped) end it otherwise."""
    again = source.again
    if again.http is not None:
        return _http(service, again.http, work)
    if again.sql is not None:
        return _sql(service, again.sql, work)
    return _command(service, again, work, watch, token)


def _http(service: ServiceView, again: HttpAgain, work: Work) -> Answer:
    base = again.base or (service.run.replicas[0].url if service.run and service.run.replicas else "")
    path = address(again, path=work.content.get("path", ""), key=work.key)
    if path is None:
        return Answer(ItemState.FAILED, _("its path leads to another one: it is not sent"))
    headers = {"Idempotency-Key": _header(work.idempotency_key), "X-Bonanca-Reexecution": "1"}
    if work.payload:
        headers["Content-Type"] = "application/json"
    try:
        answer = ask_address(
            again.method or work.content.get("method", "POST"),
            f"{base}{path}",
            content=work.payload.encode(),
            headers=headers,
            timeout_s=again.timeout_s,
            most_bytes=MOST_ANSWER,
        )
    except NoAnswer as failure:
        return Answer(ItemState.FAILED, str(failure)[:SHOWN], passing=True)
    said = f"HTTP {answer.status}"
    if answer.status in again.already or (answer.ok and answer.headers.get("Idempotent-Replayed") == "true"):
        return Answer(ItemState.ALREADY, said)
    if answer.ok:
        return Answer(ItemState.DONE, said)
    passing = answer.status >= 500 or answer.status in PASSING
    return Answer(ItemState.FAILED, f"{said} {answer.text[:SHOWN]}".strip(), passing=passing)


def _header(key: str) -> str:
    """A key as a header may hold it. One that a caller had sent fits; one of ours holds a key of the source."""
    return quote(key, safe=PRINTABLE) if key.startswith(OUR_KEYS) else key


def _sql(service: ServiceView, sql: str, work: Work) -> Answer:
    assert service.database is not None  # the catalog refuses it without one
    try:
        with psycopg.connect(service.database.dsn(), connect_timeout=5, autocommit=True) as connection:
            connection.execute(f"SET statement_timeout = {SQL_TIMEOUT_MS}")
            if _missing(connection):
                connection.execute(_DONE)
            with connection.transaction():
                # A worker that was stopped and continued waits here for the one that took over, and finds its row.
                first = connection.execute(
                    "INSERT INTO bonanca_done (key) VALUES (%s) ON CONFLICT DO NOTHING", (work.idempotency_key,)
                )
                if not first.rowcount:
                    return Answer(ItemState.ALREADY, "")
                done = connection.execute(sql.encode(), {"key": work.key, "payload": work.payload})
                return Answer(ItemState.DONE, done.statusmessage or "")
    except (psycopg.OperationalError, psycopg.InterfaceError) as lost:
        return Answer(ItemState.FAILED, _sentence(lost), passing=True)
    except psycopg.Error as refused:
        return Answer(ItemState.FAILED, _sentence(refused))


def _sentence(problem: psycopg.Error) -> str:
    """Without the details of the server: they hold the row, and everybody reads a reason."""
    return f"{type(problem).__name__}: {problem.diag.message_primary or problem}".strip()[:SHOWN]


def _missing(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT to_regclass('bonanca_done') IS NULL").fetchone()
    return bool(row and row[0])


def _command(
    service: ServiceView, again: AgainSpec, work: Work, watch: Callable[[], None], token: FenceToken | None
) -> Answer:
    if not fits(again.command, work.key):
        return Answer(ItemState.FAILED, _("its key would be read as an option: it is not run"))
    out = Tail(LAST_BYTES)
    with tempfile.TemporaryFile() as payload:
        payload.write(work.payload.encode())
        payload.seek(0)
        ended = carry_out(
            service,
            again.command,
            given={"key": work.key},
            timeout_s=again.timeout_s,
            env={"IDEMPOTENCY_KEY": work.idempotency_key},
            input=payload,
            stdout=out,
            watch=watch,
            token=token,
        )
    if ended.problem:
        return Answer(ItemState.FAILED, ended.problem[:SHOWN], passing=ended.passing)
    return _told(out.last_line())


def _told(line: str) -> Answer:
    """The program ended with 0; its last line may say more: {"outcome": "duplicate", "reason": "…"}."""
    answer = said(line)
    if answer is None:
        return Answer(ItemState.DONE, line[:SHOWN])
    return Answer(_OUTCOMES[answer.outcome], answer.reason[:SHOWN])


def replay(
    service: ServiceView,
    source: SourceSpec,
    batch: Sequence[Work],
    *,
    watch: Callable[[], None],
    token: FenceToken | None = None,
) -> Answers:
    """Give many to the service's declared `replay` at once, the way that rows which were set aside come back.

    Returns the answers so far by key, and why the program did not end well (empty: it did). What it says nothing
    about is without an answer: it can be given again, under the same key.
    """
    with tempfile.TemporaryFile() as lines, tempfile.TemporaryFile() as out:
        for work in batch:
            lines.write(_row(source, work))
        lines.seek(0)
        ended = carry_out(
            service,
            service.replay,
            given={},
            timeout_s=source.again.timeout_s,
            input=lines,
            stdout=Bounded(out, MOST_ANSWERS),
            watch=watch,
            token=token,
        )
        out.seek(0)
        told = [said(line) for line in lines_of(out, MOST_ANSWER) if line]
    return {
        one.key: Answer(_OUTCOMES[one.outcome], one.reason[:SHOWN]) for one in told if one is not None and one.key
    }, ended.problem[:SHOWN]


def _row(source: SourceSpec, work: Work) -> bytes:
    row = {
        "table": source.name,
        "key": work.key,
        "kind": "new",
        "idempotency_key": work.idempotency_key,
        "row": _value(work.payload),
    }
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _value(payload: str) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload
