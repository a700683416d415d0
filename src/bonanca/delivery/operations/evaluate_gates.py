"""Ask the gates again: an hour-old answer is not an answer."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.delivery import gates
from bonanca.delivery.models import Change
from bonanca.delivery.queries import ChangeView, get_change


def evaluate_gates(change_id: UUID, *, actor: Actor, now: datetime) -> ChangeView:
    """Evaluate every gate of a change and keep the answers.

    Raises:
        NotFound: there is no such change.
        NotAllowed: the actor may not act on its service.
    """
    change = get_change(change_id)
    require(actor, Permission.RESPOND, team=change.team)
    candidate = gates.Candidate(get_service(change.service), change.to_sha, change.from_sha)
    results = gates.evaluate(candidate, now)
    Change.objects.filter(id=change_id).update(gates=[asdict(result) for result in results], gates_at=now)
    return get_change(change_id)
