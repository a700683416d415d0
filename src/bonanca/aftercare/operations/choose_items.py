"""Take listed items in, or leave them out, before anything is run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.aftercare.models import Reexecution
from bonanca.aftercare.queries import get_reexecution
from bonanca.aftercare.queries.reexecutions import filtered
from bonanca.aftercare.state import ItemState, ReexecutionState
from bonanca.aftercare.views import ReexecutionView
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict

MAX_REASON = 300


class NotListed(Conflict):
    """The list was started or withdrawn: nothing can be chosen any more."""


@transaction.atomic
def choose_items(
    reexecution_id: UUID,
    *,
    take: bool,
    source: str = "",
    matching: str = "",
    items: Sequence[int] = (),
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> ReexecutionView:
    """Take in (or leave out) the items that the filter names: all, of a source, with some words, or these ids.

    Raises:
        ReexecutionNotFound: there is none. NotAllowed: the actor may not act on its service. NotListed: see there.
    """
    found = get_reexecution(reexecution_id)
    require(actor, Permission.RESPOND, team=found.team)
    if not Reexecution.objects.select_for_update().filter(id=reexecution_id, state=ReexecutionState.LISTED).exists():
        raise NotListed(_("This list is %(state)s: nothing can be chosen any more.") % {"state": found.state_label})
    before, after = (ItemState.SKIPPED, ItemState.CHOSEN) if take else (ItemState.CHOSEN, ItemState.SKIPPED)
    rows = filtered(reexecution_id, source=source, matching=matching).filter(state=before)
    if items:
        rows = rows.filter(id__in=list(items))
    changed = rows.update(state=after, reason="" if take else reason.strip()[:MAX_REASON])
    if changed:
        audit.record(
            aggregate=f"reexecution:{reexecution_id}",
            action="aftercare.reexecution.chosen" if take else "aftercare.reexecution.left_out",
            actor=actor.label,
            facts={
                "items": changed,
                "source": source,
                "matching": matching,
                "ids": list(items)[:200],
                "reason": reason,
            },
            now=now,
        )
    return get_reexecution(reexecution_id)
