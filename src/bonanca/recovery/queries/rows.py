"""Reading rows at risk and rows set aside."""

from __future__ import annotations

import json
from collections import deque
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
from django.db.models import Count
from django.utils.translation import gettext as _

from bonanca.actuators.postgres.rows import SAMPLE, DeclaredTable, rows_since, written_since
from bonanca.actuators.postgres.sessions import at_database, session
from bonanca.catalog.queries import get_service
from bonanca.kernel.errors import BonancaError, NotFound
from bonanca.recovery.models import SetAside, SetAsideRow
from bonanca.recovery.queries.pins import get_pin
from bonanca.recovery.state import UNDECIDED, UNSETTLED, RowKind, RowOutcome
from bonanca.recovery.views import (
    SetAsideRowView,
    SetAsideView,
    TableAtRisk,
)

COUNT_TIMEOUT_S = 5.0
COMPARE_TIMEOUT_S = 10.0
UNDECIDED_SHOWN = 200


class SetAsideNotFound(NotFound):
    """There is no such list of set-aside rows."""


def rows_at_risk(service: str, pin_id: UUID, now: datetime) -> tuple[TableAtRisk, ...]:
    """What a return to the pin would set aside at this moment, counted live (read-only, five seconds a table).

    A table that cannot be read carries its problem: an unknown number is never shown as zero. `now` is not used for
    counting (the database's own state is) and is there for the callers' records.

    Raises:
        NotFound: no such service or pin.
    """
    pin = get_pin(pin_id)
    return rows_written_since(service, pin.taken_at, pin.xid) if pin.has_data or pin.point else ()


def rows_written_since(service: str, since: datetime, xid: str) -> tuple[TableAtRisk, ...]:
    """The same for any moment of the data; without the server's transaction id `xid`, changed rows are unknown (None).

    Raises:
        NotFound: no such service.
    """
    declared = get_service(service).database
    if declared is None:
        return ()
    return tuple(
        _at_risk(declared.dsn(), DeclaredTable(r.table, r.key, r.written_at), since, xid) for r in declared.rows_at_risk
    )


def rows_since_swap(service: str, *, kept: str, at: datetime, xid: str) -> tuple[TableAtRisk, ...]:
    """What putting the `kept` database back would set aside: rows written since another took its place (`at`, `xid`).

    Rows that the kept one has too (applied again after a rollback) do not count. Where the two cannot be compared in
    time, or the kept one is closed to the service's login, all that were written since are counted, which is too many
    rather than too few.

    Raises:
        NotFound: no such service.
    """
    declared = get_service(service).database
    if declared is None:
        return ()
    tables = [DeclaredTable(r.table, r.key, r.written_at) for r in declared.rows_at_risk]
    return tuple(
        _compared(declared.dsn(), table, kept, xid) or _at_risk(declared.dsn(), table, at, xid) for table in tables
    )


def _compared(dsn: str, table: DeclaredTable, kept: str, xid: str) -> TableAtRisk | None:
    until = monotonic() + COMPARE_TIMEOUT_S
    new, changed, sample = 0, 0, deque[str](maxlen=SAMPLE)
    options: dict[str, Any] = {"name": "bonanca preview", "read_only": True, "timeout_s": COUNT_TIMEOUT_S}
    try:
        with session(dsn, **options) as live, session(at_database(dsn, kept), **options) as earlier:
            for row in rows_since(live, earlier, table, xid=xid):
                new, changed = new + (row.kind == "new"), changed + (row.kind != "new")
                sample.append(row.row)
                if monotonic() > until:
                    return None
    except (BonancaError, psycopg.Error):
        return None  # its caller counts without comparing, and says what it could not read
    shown = tuple(json.loads(row, parse_float=str) for row in reversed(sample))
    return TableAtRisk(table.table, new, changed, shown)


def _at_risk(dsn: str, table: DeclaredTable, since: datetime, xid: str) -> TableAtRisk:
    try:
        with session(dsn, name="bonanca preview", read_only=True, timeout_s=COUNT_TIMEOUT_S) as connection:
            found = written_since(connection, table, since=since, xid=xid)
    except BonancaError as error:
        return TableAtRisk(table.table, None, None, problem=str(error))
    return TableAtRisk(found.table, found.inserted, found.changed, found.sample)


def get_set_aside(set_aside_id: UUID) -> SetAsideView:
    """Raises SetAsideNotFound."""
    found = SetAside.objects.filter(pk=set_aside_id).first()
    if found is None:
        raise SetAsideNotFound(_("There is no list of set-aside rows %(id)s.") % {"id": set_aside_id})
    return _set_aside(found)


def set_aside_by_key(key: str) -> SetAsideView | None:
    """The list that a step recorded under its key."""
    found = SetAside.objects.filter(key=key).first()
    return None if found is None else _set_aside(found)


def set_aside_of_run(run_id: UUID) -> SetAsideView | None:
    """The list of a rollback's plan."""
    found = SetAside.objects.filter(run_id=run_id).order_by("-created_at").first()
    return None if found is None else _set_aside(found)


def set_asides_of(service: str, *, limit: int = 50) -> tuple[SetAsideView, ...]:
    """The lists of a service's rollbacks, newest first."""
    return tuple(
        _set_aside(found) for found in SetAside.objects.filter(service=service).order_by("-created_at")[:limit]
    )


def discarded_rows(set_aside_id: UUID) -> tuple[SetAsideRowView, ...]:
    """The rows that people let go, with their reasons."""
    rows = SetAsideRow.objects.filter(set_aside_id=set_aside_id, outcome=RowOutcome.DISCARDED)
    return tuple(_row(row) for row in rows.order_by("position")[:UNDECIDED_SHOWN])


def pending_rows(set_aside_id: UUID) -> list[tuple[str, str]]:
    """Table and key of the rows that have no answer yet, in their order."""
    rows = SetAsideRow.objects.filter(set_aside_id=set_aside_id, outcome__in=UNSETTLED)
    return list(rows.order_by("position").values_list("table", "key"))


def _row(row: SetAsideRow) -> SetAsideRowView:
    return SetAsideRowView(
        row.table, row.key, RowKind(row.kind), RowOutcome(row.outcome), row.reason, row.settled_at, row.settled_by
    )


def _set_aside(found: SetAside) -> SetAsideView:
    counts = dict.fromkeys((outcome.value for outcome in RowOutcome), 0)
    counts |= {row["outcome"]: row["n"] for row in found.rows.order_by().values("outcome").annotate(n=Count("id"))}
    undecided = found.rows.filter(outcome__in=UNDECIDED)[:UNDECIDED_SHOWN]
    return SetAsideView(
        id=found.id,
        key=found.key,
        run_id=found.run_id,
        service=found.service,
        pin_id=found.pin_id,
        kept_database=found.kept_database,
        file=found.file,
        created_at=found.created_at,
        reapplied_at=found.reapplied_at,
        counts=counts,
        undecided=tuple(_row(row) for row in undecided),
        removed_at=found.removed_at,
    )
