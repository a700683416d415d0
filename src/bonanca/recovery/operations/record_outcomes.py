"""Record what became of set-aside rows: as they are answered, and once all are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.kernel.audit import record
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import RowsReapplied
from bonanca.recovery.models import SetAside, SetAsideRow
from bonanca.recovery.queries import get_set_aside
from bonanca.recovery.state import UNSETTLED, RowKind, RowOutcome
from bonanca.recovery.views import SetAsideView


@dataclass(frozen=True)
class Outcome:
    """The service's answer about one row. `table` None: it named only the key."""

    table: str | None
    key: str
    outcome: RowOutcome
    reason: str = ""


def record_outcomes(set_aside_id: UUID, outcomes: Iterable[Outcome], *, now: datetime) -> int:
    """Settle rows that wait; an answer about a settled or unknown row changes nothing. Returns the rows settled."""
    grouped: dict[tuple[str | None, RowOutcome, str], list[str]] = defaultdict(list)
    for answer in outcomes:
        grouped[(answer.table, answer.outcome, answer.reason)].append(answer.key)
    settled = 0
    with transaction.atomic():
        for (table, outcome, reason), keys in grouped.items():
            waiting = SetAsideRow.objects.filter(set_aside_id=set_aside_id, key__in=keys, outcome__in=UNSETTLED)
            if table is not None:
                waiting = waiting.filter(table=table)
            settled += waiting.update(outcome=outcome, reason=reason, settled_at=now)
    return settled


def finish_reapplication(set_aside_id: UUID, *, actor: Actor, now: datetime) -> SetAsideView:
    """Record that every row has been answered; a second time nothing is added."""
    view = get_set_aside(set_aside_id)
    with transaction.atomic():
        if SetAside.objects.filter(pk=set_aside_id, reapplied_at=None).update(reapplied_at=now):
            counts = {name: view.counts[name] for name in ("applied", "duplicate", "conflict", "decision")}
            record(
                aggregate=f"set-aside:{set_aside_id}",
                action="rows.reapplied",
                actor=actor.label,
                facts=counts,
                now=now,
            )
            publish(RowsReapplied(set_aside_id, view.service, **counts), now=now)
    return get_set_aside(set_aside_id)


def reopen(set_aside_id: UUID, *, actor: Actor, now: datetime) -> int:
    """Rows wait again: the database into which they were re-applied is being taken away. Returns how many."""
    with transaction.atomic():
        rows = SetAsideRow.objects.filter(set_aside_id=set_aside_id, kind=RowKind.NEW).exclude(outcome__in=UNSETTLED)
        reopened = rows.update(outcome=RowOutcome.PENDING, reason=_("the rollback was undone"), settled_at=None)
        if SetAside.objects.filter(pk=set_aside_id).exclude(reapplied_at=None).update(reapplied_at=None):
            facts = {"rows": reopened}
            record(
                aggregate=f"set-aside:{set_aside_id}", action="rows.reopened", actor=actor.label, facts=facts, now=now
            )
    return reopened
