"""What became of a database's schema since it was pinned, as the earlier code would meet it."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from django.utils.translation import gettext as _

from bonanca.actuators.postgres.sessions import Connection, at_database, session
from bonanca.kernel.errors import Unavailable

TIMEOUT_S = 5.0
_COLUMNS = """
SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attgenerated = ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
"""


@dataclass(frozen=True)
class Column:
    """A column's type, and whether a row must be given a value for it."""

    type: str
    demanded: bool


@dataclass(frozen=True)
class SchemaChange:
    """Names of tables and columns. `gone`, `changed` and `demanded` are what earlier code cannot work with.

    `demanded` are columns of tables that the earlier code knew, which it would have to fill and does not know.
    """

    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    demanded: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def breaks(self) -> tuple[str, ...]:
        return (*self.gone, *self.changed, *self.demanded)


def schema_change(dsn: str, *, pinned: str) -> SchemaChange:
    """Compare the live database with a pinned copy on the same server. Reads only.

    Raises:
        Unavailable: one of them does not answer.
    """
    try:
        with session(at_database(dsn, pinned), name="bonanca preview", read_only=True, timeout_s=TIMEOUT_S) as before:
            earlier = _columns(before)
        with session(dsn, name="bonanca preview", read_only=True, timeout_s=TIMEOUT_S) as now:
            return compare(earlier, _columns(now))
    except psycopg.Error as failure:
        raise Unavailable(_("The schemas could not be compared: %(why)s") % {"why": str(failure).strip()}) from failure


Tables = dict[str, dict[str, Column]]


def compare(earlier: Tables, later: Tables) -> SchemaChange:
    """Return what changed from the earlier tables to the later ones."""
    gone = [table for table in earlier if table not in later]
    changed, demanded = [], []
    added = [table for table in later if table not in earlier]
    for table in sorted(earlier.keys() & later.keys()):
        before, after = earlier[table], later[table]
        gone += [f"{table}.{name}" for name in before if name not in after]
        changed += [f"{table}.{name}" for name in before if name in after and before[name].type != after[name].type]
        new = {name: column for name, column in after.items() if name not in before}
        demanded += [f"{table}.{name}" for name, column in new.items() if column.demanded]
        added += [f"{table}.{name}" for name, column in new.items() if not column.demanded]
    return SchemaChange(*(tuple(sorted(names)) for names in (gone, changed, demanded, added)))


def _columns(connection: Connection) -> Tables:
    found: Tables = {}
    for table, column, kind, demanded in connection.execute(_COLUMNS).fetchall():
        found.setdefault(table, {})[column] = Column(kind, demanded)
    return found
