"""What other rooms' pages show of contingencies: what to do while a service is away."""

from __future__ import annotations

from uuid import UUID

from bonanca.access.permissions import Permission, allowed, require
from bonanca.kernel.errors import NotFound
from bonanca.risks.queries import contingencies as all_contingencies
from bonanca.risks.queries import contingencies_of, services_without, team_of
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("risks:contingencies")
def contingencies(ctx: PanelContext, *, service: str, incident_id: UUID | None = None) -> PanelContent | None:
    """The service's contingencies, with one button each. None: it declares none, or is declared no more."""
    require(ctx.actor, Permission.READ)
    try:
        found = contingencies_of(service, ctx.now)
    except NotFound:
        return None
    if not found:
        return None
    may_act = allowed(ctx.actor, Permission.RESPOND, team=team_of(service))
    return "risks/contingencies_panel.html", {"found": found, "incident_id": incident_id, "may_act": may_act}


@panel("risks:not_practised")
def not_practised(ctx: PanelContext) -> PanelContent:
    """How many contingencies do not count, and how many critical services have none; for a link to all of them."""
    require(ctx.actor, Permission.READ)
    late = sum(not one.ok for one in all_contingencies(ctx.now))
    return "risks/not_practised_panel.html", {"late": late, "without": len(services_without())}
