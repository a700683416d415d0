"""Nothing of this list is to be run again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.aftercare.models import Reexecution
from bonanca.aftercare.operations.choose_items import NotListed
from bonanca.aftercare.queries import get_reexecution
from bonanca.aftercare.state import ReexecutionState
from bonanca.aftercare.views import ReexecutionView
from bonanca.kernel import audit


@transaction.atomic
def withdraw_reexecution(reexecution_id: UUID, *, actor: Actor, now: datetime) -> ReexecutionView:
    """Withdraw a list that was not started; what it listed is kept.

    Raises:
        ReexecutionNotFound: there is none. NotAllowed: the actor may not act on its service.
        NotListed: it was started or withdrawn already.
    """
    found = get_reexecution(reexecution_id)
    require(actor, Permission.RESPOND, team=found.team)
    waiting = Reexecution.objects.filter(id=reexecution_id, state=ReexecutionState.LISTED)
    if not waiting.update(state=ReexecutionState.WITHDRAWN, finished_at=now):
        raise NotListed(_("This list is %(state)s.") % {"state": get_reexecution(reexecution_id).state_label})
    audit.record(
        aggregate=f"reexecution:{reexecution_id}",
        action="aftercare.reexecution.withdrawn",
        actor=actor.label,
        facts={"service": found.service},
        now=now,
    )
    return get_reexecution(reexecution_id)
