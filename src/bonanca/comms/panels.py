"""What other rooms' pages show of what was said to the public."""

from __future__ import annotations

from bonanca.access.permissions import Permission, allowed, require
from bonanca.comms import queries
from bonanca.comms.state import UpdateState
from bonanca.incidents.queries import IncidentView
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("comms:of_incident")
def of_incident(ctx: PanelContext, *, incident: IncidentView) -> PanelContent:
    """What the public was told about an incident."""
    require(ctx.actor, Permission.READ)
    return "comms/of_incident_panel.html", {"updates": queries.updates_of(incident.id)}


@panel("comms:tell")
def tell(ctx: PanelContext, *, incident: IncidentView) -> PanelContent:
    """The way to tell the public more."""
    require(ctx.actor, Permission.READ)
    may_tell = allowed(ctx.actor, Permission.COMMAND)
    return "comms/tell_panel.html", {"incident": incident, "states": UpdateState.choices, "may_tell": may_tell}
