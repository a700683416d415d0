"""Which rows were written since a moment: asked of PostgreSQL itself, not of the application's clock alone.

A copy made by FILE_COPY carries the transaction ids of its source, and ids only grow within a server. So `xmin` of a
row tells whether it was written (inserted or updated) after the copy, whatever the application put into its columns.
Whether such a row is new or changed, the copy knows by the key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.utils.translation import gettext as _
from psycopg import sql

from bonanca.actuators.postgres.sessions import Connection
from bonanca.kernel.errors import Invalid, Unavailable

BATCH = 2000
SAMPLE = 5

_COUNTED = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY 1, 2
"""


class UnknownColumns(Invalid):
    """The declared table, key or time column is not in the database."""


@dataclass(frozen=True)
class DeclaredTable:
    """A table whose rows matter one by one: `schema.table` or `table`, its key column and its time column."""

    table: str
    key: str
    written_at: str

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(*self.table.split(".", 1))


@dataclass(frozen=True)
class Written:
    """Rows of a table since a moment: inserted ones, older ones that were changed, and up to five of the newest.

    `changed` is None when it was not counted in time.
    """

    table: str
    inserted: int
    changed: int | None
    sample: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class RowSince:
    """One row that a copy does not hold (`kind` new) or holds otherwise (changed). `row` is PostgreSQL's JSON of it."""

    table: str
    key: str
    kind: str
    row: str


def count_rows(connection: Connection) -> dict[str, int]:
    """Exact number of rows of every ordinary table, by `schema.table`, as the connection's transaction sees them."""
    counts = {}
    for schema, table in connection.execute(_COUNTED).fetchall():
        query = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(schema, table))
        row = connection.execute(query).fetchone()
        counts[f"{schema}.{table}"] = row[0] if row else 0
    return counts


def written_since(connection: Connection, table: DeclaredTable, *, since: datetime, xid: str) -> Written:
    """Count the rows written after `since` (their own time column) and the older ones changed after `xid` (xid8).

    Without an `xid` the older ones that were changed cannot be told: `changed` is None.

    Args:
        connection: read-only, with a statement timeout: this runs beside a service that may be in trouble.

    Raises:
        UnknownColumns: the table or a column is not there. Unavailable: not counted within the timeout.
    """
    names = {
        "table": table.identifier,
        "written_at": sql.Identifier(table.written_at),
        "key": sql.Identifier(table.key),
    }
    try:
        counted = connection.execute(
            sql.SQL(
                "SELECT count(*) FILTER (WHERE t.{written_at} > %(since)s),"
                " count(*) FILTER (WHERE t.{written_at} <= %(since)s) FROM {table} t"
                " WHERE t.{written_at} > %(since)s OR age(t.xmin) <= age(%(xid)s::xid8::xid)"
            ).format(**names),
            {"since": since, "xid": xid or None},
        ).fetchone()
        sample = connection.execute(
            sql.SQL(
                "SELECT row_to_json(t)::text FROM {table} t WHERE t.{written_at} > %(since)s"
                " ORDER BY t.{written_at} DESC, t.{key} DESC LIMIT %(limit)s"
            ).format(**names),
            {"since": since, "limit": SAMPLE},
        ).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise _unknown(table, error) from error
    except psycopg.errors.QueryCanceled as error:
        raise Unavailable(_("The rows of %(table)s could not be counted in time.") % {"table": table.table}) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(_("The login may not read %(table)s.") % {"table": table.table}) from error
    inserted, changed = counted if counted else (0, 0)
    return Written(table.table, inserted, changed if xid else None, tuple(_exact(row[0]) for row in sample))


def rows_since(kept: Connection, pinned: Connection, table: DeclaredTable, *, xid: str) -> Iterator[RowSince]:
    """Every row of `kept` that `pinned` does not hold, or holds otherwise, in the order of its time column.

    Memory stays flat: rows come from a server-side cursor, in batches. Columns that only one of the two has (a
    migration came between) are not compared. Without an `xid` every row of `kept` is compared.

    Raises:
        UnknownColumns: the table or a column is not there.
    """
    query = sql.SQL(
        "SELECT t.{key}::text, row_to_json(t)::text FROM {table} t WHERE {newer} ORDER BY t.{written_at}, t.{key}"
    ).format(
        table=table.identifier,
        key=sql.Identifier(table.key),
        written_at=sql.Identifier(table.written_at),
        newer=sql.SQL("age(t.xmin) <= age({}::xid8::xid)").format(sql.Literal(xid)) if xid else sql.SQL("true"),
    )
    try:
        with kept.transaction(), kept.cursor(name="bonanca_rows_since") as cursor:
            cursor.itersize = BATCH
            cursor.execute(query)
            while batch := cursor.fetchmany(BATCH):
                yield from _compared(table, batch, _held(pinned, table, [key for key, _row in batch]))
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise _unknown(table, error) from error


def _compared(
    table: DeclaredTable, batch: Iterable[Sequence[Any]], held: dict[str, dict[str, Any]]
) -> Iterator[RowSince]:
    for key, row in batch:
        before = held.get(key)
        if before is None:
            yield RowSince(table.table, key, "new", row)
            continue
        after = _exact(row)
        if any(before[column] != after[column] for column in before.keys() & after.keys()):
            yield RowSince(table.table, key, "changed", row)


def _held(pinned: Connection, table: DeclaredTable, keys: list[str]) -> dict[str, dict[str, Any]]:
    """The pinned copy's rows with these keys, by key. Keys are cast to the column's type, so that its index serves."""
    kind = pinned.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped",
        (table.identifier.as_string(pinned), table.key),
    ).fetchone()
    if kind is None:
        raise _unknown(table, None)
    query = sql.SQL(
        "SELECT t.{key}::text, row_to_json(t)::text FROM {table} t WHERE t.{key} = ANY(%s::{kind}[])"
    ).format(
        key=sql.Identifier(table.key),
        table=table.identifier,
        kind=sql.SQL(kind[0]),
    )
    return {key: _exact(row) for key, row in pinned.execute(query, (keys,))}


def _exact(row: str) -> dict[str, Any]:
    """JSON without loss: numbers with a fraction stay as text, so that money is not rounded."""
    loaded: dict[str, Any] = json.loads(row, parse_float=str)
    return loaded


def _unknown(table: DeclaredTable, error: psycopg.Error | None) -> UnknownColumns:
    reason = (error.diag.message_primary if error is not None else None) or _("the key column is missing")
    return UnknownColumns(
        _("rows_at_risk of %(table)s does not fit the database: %(reason)s") % {"table": table.table, "reason": reason},
        field="database.rows_at_risk",
    )
