"""What other rooms' pages show of post-mortems."""

from __future__ import annotations

from uuid import UUID

from bonanca.postmortems import queries
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("postmortems:of_incident")
def of_incident(ctx: PanelContext, *, incident_id: UUID) -> PanelContent | None:
    """The link to the incident's post-mortem, once there is one."""
    found = queries.postmortem_of(incident_id)
    return ("postmortems/of_incident_panel.html", {"postmortem": found}) if found else None
