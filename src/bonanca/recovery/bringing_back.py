"""What data of an earlier time brings back, asked by the service's own queries; and the statements that take it away.

Answers are counted and compared; what they say about people is neither stored nor shown, but for the first keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import psycopg
from django.utils.translation import gettext as _

from bonanca.actuators.postgres.sessions import Connection, session
from bonanca.catalog.spec import ComparisonSpec, ErasureSpec, PrivacySpec
from bonanca.durable.errors import StepFailed

ASK_TIMEOUT_S = 120.0
SAY_TIMEOUT_S = 600.0
KEYS_SHOWN = 10
# More than this is not a list of what is in force, and would not be looked at by anybody.
ROWS_LIMIT = 200_000


class QueryFailed(StepFailed):
    """A declared query or statement did not do what it is for."""


@dataclass(frozen=True)
class Difference:
    """Keys that are only in the returned data, that have another value there, and that are only in the running one."""

    back: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def to_take_away(self) -> tuple[str, ...]:
        return self.back + self.older

    def facts(self) -> dict[str, Any]:
        """Numbers, and the first keys."""
        counts = {"back": len(self.back), "older": len(self.older), "gone": len(self.gone)}
        return {**counts, "keys": list(self.to_take_away[:KEYS_SHOWN])}


def still_found(dsn: str, erasures: ErasureSpec, references: Sequence[str]) -> list[str]:
    """The references of whom the data of `dsn` still tells.

    Raises:
        QueryFailed: `find` does not answer with a number. DatabaseUnreachable.
    """
    found = []
    with _asking(dsn, "privacy.erasures.find") as connection:
        for reference in references:
            row = connection.execute(erasures.find.encode(), {"reference": reference}).fetchone()
            count = row[0] if row else 0
            if isinstance(count, bool) or not isinstance(count, int | Decimal):
                raise QueryFailed(
                    _("privacy.erasures.find must answer with a number of rows (it answered %(got)s).")
                    % {"got": type(count).__name__}
                )
            if count > 0:
                found.append(reference)
    return found


def listed_erasures(dsn: str, erasures: ErasureSpec, *, now: datetime) -> list[tuple[str, datetime]]:
    """Whom the service's own list names, with the time; [] when it declares none.

    Raises:
        QueryFailed: it does not answer with a reference and a time, or with too many. DatabaseUnreachable.
    """
    if not erasures.query:
        return []
    with _asking(dsn, "privacy.erasures.query") as connection:
        rows = connection.execute(erasures.query.encode()).fetchmany(ROWS_LIMIT + 1)
    _refuse_more("privacy.erasures.query", rows)
    found = []
    for row in rows:
        if len(row) != 2 or not isinstance(row[1], datetime):
            raise QueryFailed(_("privacy.erasures.query must answer with two columns: a reference and a time."))
        when = row[1] if row[1].tzinfo else row[1].replace(tzinfo=UTC)
        if row[0] is not None:
            found.append((str(row[0]), min(when, now)))
    return found


def difference(running_dsn: str, returned_dsn: str, comparison: ComparisonSpec) -> Difference:
    """Compare what is in force in the running data with the returned one.

    Raises:
        QueryFailed: the query fails in one of them, or answers with too much. DatabaseUnreachable.
    """
    running, returned = _in_force(running_dsn, comparison), _in_force(returned_dsn, comparison)
    return Difference(
        back=tuple(sorted(returned.keys() - running.keys())),
        older=tuple(sorted(key for key in returned.keys() & running.keys() if returned[key] != running[key])),
        gone=tuple(sorted(running.keys() - returned.keys())),
    )


def take_away(
    connection: Connection,
    privacy: PrivacySpec,
    references: Iterable[str],
    differences: Mapping[str, Difference],
) -> None:
    """Say every statement in one transaction: erase, revoke again, and what is always said.

    Raises:
        QueryFailed: one of them failed; nothing of it stays.
    """
    with _named("privacy.erasures.sql"), connection.transaction():
        if privacy.erasures is not None:
            for reference in references:
                for statement in privacy.erasures.sql:
                    connection.execute(statement.encode(), {"reference": reference})
        for comparison in privacy.compare:
            if comparison.after and comparison.name in differences:
                with _named(comparison.name):
                    for key in differences[comparison.name].to_take_away:
                        connection.execute(comparison.after.encode(), {"key": key})
        for said in privacy.after_restore:
            with _named(said.name):
                connection.execute(said.sql.encode())


def _in_force(dsn: str, comparison: ComparisonSpec) -> dict[str, str]:
    with _asking(dsn, comparison.name) as connection:
        rows = connection.execute(comparison.sql.encode()).fetchmany(ROWS_LIMIT + 1)
    _refuse_more(comparison.name, rows)
    # Values may be hashes of passwords: compared by a hash of our own, and forgotten.
    return {str(row[0]): sha256(repr(row[1:]).encode()).hexdigest() for row in rows if row and row[0] is not None}


def _refuse_more(name: str, rows: Sequence[Any]) -> None:
    if len(rows) > ROWS_LIMIT:
        raise QueryFailed(_("“%(name)s” answers with more than %(limit)d rows.") % {"name": name, "limit": ROWS_LIMIT})


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Turn what PostgreSQL refuses into QueryFailed. Its own words can hold data about people: they are left out."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise  # the connection is gone: whoever opened it says so
        raise QueryFailed(
            _("“%(name)s” failed: %(said)s (SQLSTATE %(state)s)")
            % {"name": name, "said": type(error).__name__, "state": error.sqlstate},
            hint=_("Correct `privacy` in bonanca.yaml and apply it, then retry."),
        ) from None


@contextmanager
def _asking(dsn: str, name: str) -> Iterator[Connection]:
    """A reading session at one database, whose errors name the query."""
    with session(dsn, name="bonanca privacy", read_only=True, timeout_s=ASK_TIMEOUT_S) as connection, _named(name):
        yield connection
