"""Look at the content of rows that a rollback set aside: for few, and written down."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid, Unavailable
from bonanca.recovery.models import SetAsideRow
from bonanca.recovery.queries import get_set_aside

# Of an export, each with its content type.
FORMATS = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
COLUMNS = ("table", "key", "kind", "outcome", "reason", "row")


class ContentGone(Conflict):
    """The content was removed by policy: keys and outcomes are all that is left."""


@transaction.atomic
def read_rows(set_aside_id: UUID, *, form: str = "jsonl", actor: Actor, now: datetime) -> Iterator[str]:
    """Return the rows as lines of text, with what became of each; who read them when is in the audit chain.

    Raises:
        SetAsideNotFound: there is no such list. NotAllowed: the actor may not act on the service.
        Invalid: the form is neither jsonl nor csv. ContentGone: see there.
        Unavailable: the file cannot be read on this machine.
    """
    found = get_set_aside(set_aside_id)
    require(actor, Permission.RESPOND, team=get_service(found.service).team_slug)
    if form not in FORMATS:
        raise Invalid(_("The form is one of %(known)s.") % {"known": ", ".join(FORMATS)}, field="format")
    if found.removed_at is not None:
        raise ContentGone(_("The content of these rows was removed when its time was over."))
    path = Path(found.file)
    try:
        path.open("rb").close()
    except OSError as error:
        raise Unavailable(
            _("%(file)s cannot be read here: %(why)s") % {"file": path, "why": error.strerror or error}
        ) from error
    record(
        aggregate=f"set-aside:{set_aside_id}",
        action="rows.read",
        actor=actor.label,
        facts={"rows": found.total, "form": form},
        now=now,
    )
    outcomes = {
        (row.table, row.key): (row.outcome, row.reason) for row in SetAsideRow.objects.filter(set_aside_id=set_aside_id)
    }
    return _lines(path, outcomes, form)


def _lines(path: Path, outcomes: dict[tuple[str, str], tuple[str, str]], form: str) -> Iterator[str]:
    if form == "csv":
        yield _csv(COLUMNS)
    with path.open("rb") as lines:
        for line in lines:
            facts = json.loads(line)
            outcome, reason = outcomes.get((facts["table"], facts["key"]), ("", ""))
            if form == "csv":
                # The row as it was written: its numbers are not read and rounded.
                row = line.decode().partition('"row": ')[2].rstrip()[:-1]
                yield _csv((facts["table"], facts["key"], facts["kind"], outcome, reason, row))
            else:
                told = json.dumps({"outcome": outcome, "reason": reason}, ensure_ascii=False)
                yield f"{told[:-1]}, {line.decode().lstrip()[1:]}"


def _csv(values: tuple[str, ...]) -> str:
    out = io.StringIO()
    # A spreadsheet takes a leading = + - @ for a formula: data of strangers must not become one.
    csv.writer(out).writerow([f"'{v}" if v[:1] in "=+-@\t\r" and v else v for v in values])
    return out.getvalue()
