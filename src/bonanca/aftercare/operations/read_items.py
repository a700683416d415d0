"""The report of a re-execution as CSV; with contents only for few, and written down."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed, require
from bonanca.aftercare.models import ReexecutionItem
from bonanca.aftercare.queries import get_reexecution
from bonanca.aftercare.views import in_brief
from bonanca.kernel import audit

COLUMNS = (
    *("source", "key", "failed_at", "label", "state", "attempts", "sent_at", "settled_at", "reason"),
    "idempotency_key",
)


def read_items(reexecution_id: UUID, *, contents: bool = False, actor: Actor, now: datetime) -> Iterator[str]:
    """Return the report line by line. With `contents` what is sent is in it, and who read it is in the audit chain.

    What the service said of each is in it for those who may act on it.

    Raises:
        ReexecutionNotFound: there is none. NotAllowed: the actor may not read it.
    """
    found = get_reexecution(reexecution_id)
    if contents:
        require(actor, Permission.RESPOND, team=found.team)
        audit.record(
            aggregate=f"reexecution:{reexecution_id}",
            action="aftercare.reexecution.contents_read",
            actor=actor.label,
            facts={"items": found.total},
            now=now,
        )
    else:
        require(actor, Permission.READ)
    in_full = allowed(actor, Permission.RESPOND, team=found.team)
    return _lines(reexecution_id, contents=contents, in_full=in_full)


def _lines(reexecution_id: UUID, *, contents: bool, in_full: bool) -> Iterator[str]:
    yield _csv((*COLUMNS, "content") if contents else COLUMNS)
    rows = ReexecutionItem.objects.filter(reexecution_id=reexecution_id).order_by("position")
    for row in rows.iterator(chunk_size=500):
        row.reason = row.reason if in_full else in_brief(row.state, row.reason)
        values = [getattr(row, name) for name in COLUMNS]
        yield _csv([*values, row.content.get("payload", "")] if contents else values)


def _csv(values: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_cell(value) for value in values])
    return out.getvalue()


def _cell(value: object) -> str:
    """A spreadsheet takes a leading = + - @ for a formula: data of strangers must not become one."""
    text = value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
