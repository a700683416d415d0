"""What other rooms' pages show of changes."""

from __future__ import annotations

from bonanca.access.permissions import Permission, require
from bonanca.delivery import queries
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("delivery:last_change")
def last_change(ctx: PanelContext, *, service: str) -> PanelContent | None:
    """The version that went out last, for a table's cell."""
    require(ctx.actor, Permission.READ)
    found = queries.last_change(service)
    return ("delivery/last_change_panel.html", {"change": found}) if found else None


@panel("delivery:recent_changes")
def recent_changes(ctx: PanelContext, *, service: str) -> PanelContent | None:
    """A service's last changes."""
    require(ctx.actor, Permission.READ)
    found = queries.recent_changes(service=service, limit=5)
    return ("delivery/recent_changes_panel.html", {"changes": found}) if found else None
