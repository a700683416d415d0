"""What other rooms' pages show of what was said to the public."""

from __future__ import annotations

from bonanca.access.permissions import Permission, allowed, require
from bonanca.comms import queries
from bonanca.comms.state import UpdateState
from bonanca.incidents.queries import IncidentView
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("comms:of_incident")
def of_incident(ctx: PanelContext, *, incident: IncidentView) -> PanelContent:
    """What the public was told about an incident, and the way to tell more."""
    require(ctx.actor, Permission.READ)
    context = {
        "incident": incident,
        "updates": queries.updates_of(incident.id),
        "states": UpdateState.choices,
        "may_tell": allowed(ctx.actor, Permission.COMMAND),
    }
    return "comms/of_incident_panel.html", context
