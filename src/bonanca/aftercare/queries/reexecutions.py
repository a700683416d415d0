"""Reads of re-executions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from bonanca.aftercare.models import Reexecution, ReexecutionItem
from bonanca.aftercare.state import ItemState
from bonanca.aftercare.views import ItemView, ReexecutionView, in_brief
from bonanca.kernel.errors import NotFound


class ReexecutionNotFound(NotFound):
    """There is no such re-execution."""


def get_reexecution(reexecution_id: UUID) -> ReexecutionView:
    """Return one list with its counts.

    Raises:
        ReexecutionNotFound: there is none.
    """
    row = Reexecution.objects.filter(id=reexecution_id).first()
    if row is None:
        raise ReexecutionNotFound(_("There is no re-execution %(id)s.") % {"id": reexecution_id})
    return _views([row])[0]


def reexecution_of_run(run_id: UUID) -> ReexecutionView | None:
    """Return the list that a plan carries out."""
    row = Reexecution.objects.filter(run_id=run_id).first()
    return _views([row])[0] if row else None


def reexecutions(
    *, service: str | None = None, incident_id: UUID | None = None, limit: int = 50, offset: int = 0
) -> tuple[ReexecutionView, ...]:
    """Return lists, newest first, narrowed by what is given."""
    rows = Reexecution.objects.order_by("-listed_at", "-id")
    if service is not None:
        rows = rows.filter(service=service)
    if incident_id is not None:
        rows = rows.filter(incident_id=incident_id)
    return tuple(_views(list(rows[offset : offset + limit])))


def items_of(
    reexecution_id: UUID,
    *,
    source: str = "",
    state: str = "",
    matching: str = "",
    limit: int = 200,
    offset: int = 0,
    in_full: bool = True,
) -> tuple[ItemView, ...]:
    """Return items in their order, without their content; `matching` is looked for in key and label.

    In full they hold what the service said of each, which is for those who may act on it.
    """
    rows = filtered(reexecution_id, source=source, state=state, matching=matching).order_by("position")
    names = ItemView.__dataclass_fields__
    found = [
        ItemView(**{name: getattr(row, name) for name in names})
        for row in rows.defer("content")[offset : offset + limit]
    ]
    return tuple(one if in_full else replace(one, reason=in_brief(one.state, one.reason)) for one in found)


def filtered(
    reexecution_id: UUID, *, source: str = "", state: str = "", matching: str = ""
) -> QuerySet[ReexecutionItem]:
    """Return the rows that a filter of the page, the API and the command line names."""
    rows = ReexecutionItem.objects.filter(reexecution_id=reexecution_id)
    if source:
        rows = rows.filter(source=source)
    if state in ItemState.values:
        rows = rows.filter(state=state)
    if matching:
        rows = rows.filter(Q(key__icontains=matching) | Q(label__icontains=matching))
    return rows


def _views(rows: Iterable[Reexecution]) -> list[ReexecutionView]:
    found = list(rows)
    counted = (
        ReexecutionItem.objects.filter(reexecution_id__in=[row.id for row in found])
        .values_list("reexecution_id", "source", "state")
        .annotate(count=Count("id"))
        .order_by("source", "state")
    )
    sources: dict[UUID, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for reexecution_id, source, state, count in counted:
        sources[reexecution_id][source][state] = count
    made_here = ("counts", "sources", "problems")
    names = [name for name in ReexecutionView.__dataclass_fields__ if name not in made_here]
    return [
        ReexecutionView(
            **{name: getattr(row, name) for name in names},
            problems=tuple(row.problems),
            counts={
                state: sum(by_state.get(state, 0) for by_state in sources[row.id].values())
                for state in ItemState.values
            },
            sources={name: dict(by_state) for name, by_state in sources[row.id].items()},
        )
        for row in found
    ]
