"""Record which rows a rollback set aside: table, key and kind. Their content stays in the file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.kernel.audit import record
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import RowsSetAside
from bonanca.recovery.models import SetAside, SetAsideRow
from bonanca.recovery.queries import get_set_aside
from bonanca.recovery.state import RowKind, RowOutcome
from bonanca.recovery.views import SetAsideView

Row = tuple[str, str, RowKind]
_BATCH = 2000


def record_set_aside(
    *,
    key: str,
    run_id: UUID,
    service: str,
    pin_id: UUID,
    kept_database: str,
    file: Path,
    file_sha256: str,
    rows: Sequence[Row],
    decide: bool = False,
    actor: Actor,
    now: datetime,
) -> SetAsideView:
    """Record the list under its step's key; a second time it is the same list.

    New rows wait to be re-applied, or with `decide` for a person. Changed ones need a decision in any case: replaying
    the row would not say what was changed.
    """
    with transaction.atomic():
        found, created = SetAside.objects.get_or_create(
            key=key,
            defaults={
                "run_id": run_id,
                "service": service,
                "pin_id": pin_id,
                "kept_database": kept_database,
                "file": str(file),
                "file_sha256": file_sha256,
                "created_at": now,
            },
        )
        if created:
            SetAsideRow.objects.bulk_create(
                (
                    SetAsideRow(
                        set_aside=found,
                        position=position,
                        table=table,
                        key=row_key,
                        kind=kind,
                        outcome=RowOutcome.PENDING if kind is RowKind.NEW and not decide else RowOutcome.DECISION,
                    )
                    for position, (table, row_key, kind) in enumerate(rows, start=1)
                ),
                batch_size=_BATCH,
            )
            new = sum(1 for row in rows if row[2] is RowKind.NEW)
            facts = {"new": new, "changed": len(rows) - new, "kept": kept_database, "sha256": file_sha256}
            record(aggregate=f"set-aside:{found.id}", action="rows.set_aside", actor=actor.label, facts=facts, now=now)
            publish(RowsSetAside(found.id, service, new, len(rows) - new), now=now)
    return get_set_aside(found.id)
