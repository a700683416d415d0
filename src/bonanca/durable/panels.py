"""What other rooms' pages show of plans."""

from __future__ import annotations

from uuid import UUID

from bonanca.access.permissions import Permission, require
from bonanca.durable import presentation, queries
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("durable:progress")
def progress(ctx: PanelContext, *, run_id: UUID | str | None) -> PanelContent | None:
    """The steps of a plan: done, running (elapsed against expected), failed with the next move. Refreshes itself."""
    actor = require(ctx.actor, Permission.READ)
    if not run_id:
        return None
    run = queries.get_run(run_id if isinstance(run_id, UUID) else UUID(run_id))
    return "durable/progress_panel.html", {"plan": presentation.progress(run, actor)}
