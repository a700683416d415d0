"""Who may act on a plan that runs: the responders of the team it concerns, and commanders."""

from __future__ import annotations

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.views import PlanRunView


def require_authority(run: PlanRunView, actor: Actor) -> None:
    """Raises NotAllowed."""
    if run.team is None:
        require(actor, Permission.COMMAND)
    else:
        require(actor, Permission.RESPOND, team=run.team)
