"""What other rooms' pages show of containments and plans."""

from __future__ import annotations

from uuid import UUID

from bonanca.access.permissions import Permission, allowed, require
from bonanca.actuators.gateway.queries import active_directives
from bonanca.catalog.spec import ServiceView
from bonanca.delivery.queries import ChangeView, get_change
from bonanca.incidents.queries import IncidentView
from bonanca.kernel.clock import utc_now
from bonanca.response import queries
from bonanca.running import parts
from bonanca.ui.panels import PanelContent, PanelContext, panel


@panel("response:containment")
def containment(ctx: PanelContext, *, incident: IncidentView, may_act: bool) -> PanelContent:
    """What is taken out at the gateway, and the way to take more out."""
    require(ctx.actor, Permission.READ)
    context = {
        "incident": incident,
        "containments": queries.containments_of(incident.id),
        "may_act": may_act and incident.is_open,
    }
    return "response/containment_panel.html", context


@panel("response:go_back")
def go_back(
    ctx: PanelContext, *, change_id: UUID, incident: IncidentView | None = None, brief: bool = False
) -> PanelContent | None:
    """The button that previews going back to before a change. Nothing came before a first deployment."""
    change = get_change(change_id)
    went_out = change.state in ("deployed", "failed") and bool(change.from_sha)
    if not went_out or not allowed(ctx.actor, Permission.RESPOND, team=change.team):
        return None
    return "response/go_back_panel.html", {"change": change, "incident": incident, "brief": brief}


@panel("response:plans_of_incident")
def plans_of_incident(ctx: PanelContext, *, incident_id: UUID) -> PanelContent | None:
    """The plans that were proposed or run for an incident."""
    require(ctx.actor, Permission.READ)
    found = queries.plans(incident_id=incident_id)
    return ("response/plans_panel.html", {"plans": found}) if found else None


@panel("response:of_change")
def of_change(ctx: PanelContext, *, change: ChangeView, may_act: bool) -> PanelContent:
    """Deploying a change, going back, and the plans that did."""
    require(ctx.actor, Permission.READ)
    context = {
        "change": change,
        "plans": queries.plans(change_id=change.id),
        "may_act": may_act,
        "may_override": allowed(ctx.actor, Permission.COMMAND),
    }
    return "response/of_change_panel.html", context


@panel("response:of_service")
def of_service(ctx: PanelContext, *, service: str) -> PanelContent | None:
    """The last plans of a service."""
    require(ctx.actor, Permission.READ)
    found = queries.plans(service=service, limit=5)
    return ("response/plans_panel.html", {"plans": found, "titled": True}) if found else None


@panel("response:replicas")
def replicas(ctx: PanelContext, *, service: ServiceView) -> PanelContent | None:
    """How the replicas are that Bonança runs, and the buttons to start, restart and stop them."""
    require(ctx.actor, Permission.READ)
    if not parts.runs(service):
        return None
    found = queries.replicas(service=service.slug)
    context = {
        "service": service.slug,
        "replicas": found,
        "runs": any(one.state in ("running", "failing") for one in found),
        "may_act": allowed(ctx.actor, Permission.RESPOND, team=service.team_slug),
    }
    return "response/replicas_panel.html", context


@panel("response:traffic")
def traffic(ctx: PanelContext, *, service: ServiceView) -> PanelContent | None:
    """How requests are shared out among a service's replicas and its redundant site, and the way to change it."""
    require(ctx.actor, Permission.READ)
    if service.gateway is None or service.run is None:
        return None
    standing = active_directives(service.gateway.name, service=service.slug, now=utc_now())
    weights = [directive for directive in standing if directive.kind == "weights"]
    example = "replicas=90 standby=10" if service.gateway.standby else _by_port(service)
    context = {
        "service": service.slug,
        "weights": weights[-1] if weights else None,
        "may_act": bool(example) and allowed(ctx.actor, Permission.RESPOND, team=service.team_slug),
        "example": example,
    }
    return ("response/traffic_panel.html", context) if weights or context["may_act"] else None


def _by_port(service: ServiceView) -> str:
    replicas = service.run.replicas if service.run else ()
    return " ".join(f"{replica.port}=1" for replica in replicas) if len(replicas) > 1 else ""
