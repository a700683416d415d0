"""What other rooms' pages show of what follows an incident."""

from __future__ import annotations

from uuid import UUID

from bonanca.access.permissions import Permission, allowed, require
from bonanca.aftercare import queries
from bonanca.aftercare.operations.start_watch import can_be_watched
from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import ReinforcedWatchSpec, ServiceView
from bonanca.incidents.queries import IncidentView
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("aftercare:of_incident")
def of_incident(ctx: PanelContext, *, incident: IncidentView) -> PanelContent | None:
    """The closer look that followed an incident."""
    require(ctx.actor, Permission.READ)
    found = queries.watch_of_incident(incident.id)
    return ("aftercare/watch_panel.html", {"watch": found}) if found else None


@panel("aftercare:reexecution")
def reexecution(ctx: PanelContext, *, incident: IncidentView) -> PanelContent | None:
    """What failed while it lasted and was run again, and the way to list it."""
    require(ctx.actor, Permission.READ)
    declared = next((one for one in list_services() if one.slug == incident.service), None)
    found = queries.reexecutions(incident_id=incident.id, limit=5)
    if not found and (declared is None or declared.reexecution is None):
        return None
    context = {
        "incident": incident,
        "lists": found,
        "may_act": declared is not None
        and declared.reexecution is not None
        and allowed(ctx.actor, Permission.RESPOND, team=incident.team),
    }
    return "aftercare/reexecution_panel.html", context


@panel("aftercare:of_plan")
def of_plan(ctx: PanelContext, *, plan_id: UUID) -> PanelContent | None:
    """The closer look that a rollback began, and how it ended."""
    require(ctx.actor, Permission.READ)
    found = queries.watch_of_plan(plan_id)
    return ("aftercare/watch_panel.html", {"watch": found}) if found else None


@panel("aftercare:of_service")
def of_service(ctx: PanelContext, *, service: ServiceView) -> PanelContent | None:
    """The watch that is on, or the button that begins one."""
    require(ctx.actor, Permission.READ)
    if not can_be_watched(service):
        return None
    context = {
        "service": service,
        "watch": queries.watch_of_service(service.slug),
        "hours": (service.watch or ReinforcedWatchSpec()).for_h,
        "may_act": allowed(ctx.actor, Permission.RESPOND, team=service.team_slug),
    }
    return "aftercare/of_service_panel.html", context
