"""A person stops a reinforced watch before its time is over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.aftercare.operations.finish_watch import finish_watch
from bonanca.aftercare.queries import get_watch
from bonanca.aftercare.state import WatchState
from bonanca.aftercare.views import WatchView
from bonanca.kernel.errors import Conflict, Invalid

MAX_REASON = 500


class WatchOver(Conflict):
    """The watch has ended already."""


@transaction.atomic
def end_watch(watch_id: UUID, *, reason: str, actor: Actor, now: datetime) -> WatchView:
    """End a watch by hand; thresholds are the usual ones again, and the record says who did it and why.

    Raises:
        WatchNotFound: there is none. NotAllowed: the actor may not act on its service.
        Invalid: no reason. WatchOver: see there.
    """
    found = get_watch(watch_id)
    require(actor, Permission.RESPOND, team=found.team)
    said = reason.strip()
    if not said or len(said) > MAX_REASON:
        raise Invalid(_("Say why, in at most %(limit)s characters.") % {"limit": MAX_REASON}, field="reason")
    if not finish_watch(watch_id, WatchState.ENDED, words=said, actor=actor, now=now):
        raise WatchOver(_("This watch is over: %(state)s.") % {"state": get_watch(watch_id).state_label})
    return get_watch(watch_id)
