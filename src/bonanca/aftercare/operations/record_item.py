"""Record what becomes of items while their plan runs: before one is sent, and when it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from bonanca.aftercare.again import Answer, Work
from bonanca.aftercare.models import Reexecution, ReexecutionItem
from bonanca.aftercare.state import ItemState, ReexecutionState
from bonanca.kernel.errors import Conflict
from bonanca.kernel.texts import shown

WEIGHED, LEAST = 20, 5


def work_left(reexecution_id: UUID, source: str, first: int, last: int) -> list[tuple[int, Work]]:
    """Return what is to be done of these positions, in order: not begun, or begun by a worker that was lost."""
    rows = ReexecutionItem.objects.filter(
        reexecution_id=reexecution_id,
        source=source,
        position__range=(first, last),
        state__in=[ItemState.CHOSEN, ItemState.SENDING],
    )
    return [(row.id, Work(row.key, row.idempotency_key, row.content)) for row in rows.order_by("position")]


class ContentsForgotten(Conflict):
    """What was to be done again is not kept any more."""


def go_on(reexecution_id: UUID) -> None:
    """A plan that had stopped is tried again.

    Raises:
        ContentsForgotten: nothing of it may be sent.
    """
    if Reexecution.objects.filter(id=reexecution_id, forgotten_at__isnull=False).exists():
        raise ContentsForgotten(
            _("What was listed is not kept any more."), hint=_("List the failed work of the period anew.")
        )
    Reexecution.objects.filter(id=reexecution_id, state=ReexecutionState.STOPPED).update(
        state=ReexecutionState.RUNNING, error="", finished_at=None
    )


def begin_items(items: Sequence[int], *, now: datetime) -> int:
    """Record, before anything is sent, that it may have been; returns how many wait for an answer."""
    rows = ReexecutionItem.objects.filter(id__in=items, state__in=[ItemState.CHOSEN, ItemState.SENDING])
    return rows.update(state=ItemState.SENDING, attempts=F("attempts") + 1, sent_at=now)


def settle_item(item: int, answer: Answer, *, now: datetime) -> bool:
    """Record an answer; False when the item was settled by somebody else."""
    rows = ReexecutionItem.objects.filter(id=item, state=ItemState.SENDING)
    return bool(rows.update(state=answer.state, reason=shown(answer.reason, 500), settled_at=now))


def failing_share(reexecution_id: UUID) -> float | None:
    """Percent of the last items that failed since somebody looked; None while there are too few to say."""
    since = Reexecution.objects.filter(id=reexecution_id).values_list("weighed_from", flat=True).first()
    rows = ReexecutionItem.objects.filter(reexecution_id=reexecution_id, settled_at__isnull=False)
    if since is not None:
        rows = rows.filter(settled_at__gte=since)
    last = list(rows.order_by("-settled_at", "-position").values_list("state", flat=True)[:WEIGHED])
    if len(last) < LEAST:
        return None
    return 100.0 * last.count(ItemState.FAILED) / len(last)


def weigh_anew(reexecution_id: UUID, *, now: datetime) -> None:
    """Who goes on after a stop has seen the failures so far."""
    Reexecution.objects.filter(id=reexecution_id).update(weighed_from=now)
