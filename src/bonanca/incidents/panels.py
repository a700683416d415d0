"""What other rooms' pages show of incidents."""

from __future__ import annotations

from bonanca.access.permissions import Permission, require
from bonanca.incidents import queries
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("incidents:nav_badge")
def nav_badge(ctx: PanelContext) -> PanelContent | None:
    """How many incidents burn, on every page."""
    if ctx.actor is None:
        return None
    burning = queries.open_incidents()
    return ("incidents/nav_badge_panel.html", {"burning": burning}) if burning else None


@panel("incidents:burning")
def burning(ctx: PanelContext) -> PanelContent | None:
    """The incidents that burn, worst first: the head of the overview."""
    require(ctx.actor, Permission.READ)
    found = queries.open_incidents()
    return "incidents/burning_panel.html", {"incidents": found}


@panel("incidents:of_service")
def of_service(ctx: PanelContext, *, service: str) -> PanelContent | None:
    """A service's last incidents."""
    require(ctx.actor, Permission.READ)
    found = queries.recent_incidents(service=service, limit=5)
    return ("incidents/of_service_panel.html", {"incidents": found}) if found else None
