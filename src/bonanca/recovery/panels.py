"""What other rooms' pages show of recovery."""

from __future__ import annotations

from uuid import UUID

from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.kernel.errors import NotFound
from bonanca.recovery import queries
from bonanca.recovery.queries import privacy
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("recovery:backup_summary")
def backup_summary(ctx: PanelContext, *, service: str) -> PanelContent | None:
    """When the service's data was restored for proof, how long that took, what is wrong. None: no backup declared."""
    require(ctx.actor, Permission.READ)
    if not queries.declares_backup(service):
        return None
    verified, last = queries.latest_verified_backup(service), queries.last_attempt(service)
    found = {"readiness": queries.readiness_of(service, ctx.now)}
    return "recovery/backup_summary_panel.html", found | {"service": service, "verified": verified, "last": last}


@panel("recovery:backup_drilled")
def backup_drilled(ctx: PanelContext, *, service: str) -> PanelContent | None:
    """One cell for lists of services: when it was restored for proof, and in how many seconds."""
    require(ctx.actor, Permission.READ)
    if not queries.declares_backup(service):
        return None
    found = {"verified": queries.latest_verified_backup(service), "readiness": queries.readiness_of(service, ctx.now)}
    return "recovery/backup_drilled_panel.html", found


@panel("recovery:rows_at_risk")
def rows_at_risk(ctx: PanelContext, *, service: str, pin_id: UUID | str) -> PanelContent:
    """Per table what a return to the pin would set aside, with a sample; only for who may act on the service."""
    require(ctx.actor, Permission.RESPOND, team=queries.team_of(service))
    tables = queries.rows_at_risk(service, UUID(str(pin_id)), ctx.now)
    return "recovery/rows_at_risk_panel.html", {"tables": tables, "service": service}


@panel("recovery:set_aside")
def set_aside(ctx: PanelContext, *, run_id: UUID | str) -> PanelContent | None:
    """What became of the rows that a rollback's plan set aside."""
    require(ctx.actor, Permission.READ)
    found = queries.set_aside_of_run(UUID(str(run_id)))
    return None if found is None else ("recovery/set_aside_panel.html", {"list": found})


@panel("recovery:comes_back")
def comes_back(ctx: PanelContext, *, service: str, run_id: UUID | str | None = None) -> PanelContent | None:
    """Whether people are asked what older data brings back, and how the plan's own review stands."""
    require(ctx.actor, Permission.READ)
    try:
        declared = get_service(service)
    except NotFound:
        return None
    if declared.database is None:
        return None
    found = {
        "service": declared,
        "count": privacy.erasures_count(service),
        "review": privacy.review_of_run(UUID(str(run_id))) if run_id else None,
    }
    return "recovery/comes_back_panel.html", found


@panel("recovery:waiting_reviews")
def waiting_reviews(ctx: PanelContext) -> PanelContent | None:
    """Plans that wait until people have looked at what comes back. None: none does."""
    require(ctx.actor, Permission.READ)
    found = privacy.waiting_reviews()
    return ("recovery/waiting_reviews_panel.html", {"waiting": found}) if found else None
