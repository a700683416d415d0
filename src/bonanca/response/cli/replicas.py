"""`bonanca service`: how a service's replicas are, start, restart and stop them, divide requests among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bonanca.response.cli._show import django, started
from bonanca.ui.console import JsonOption, print_json, table

if TYPE_CHECKING:
    from bonanca.response.queries import ReplicaView

CLI_NAME = "service"
CLI_PANEL = "Change and come back"
app = typer.Typer(
    help="See how a service's replicas are; start, restart or stop them, share requests out.", no_args_is_help=True
)

Service = Annotated[str, typer.Argument(metavar="SERVICE", help="The service's slug.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the plan.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show its steps until it ends; exit 1 when it failed.")]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the declared services: the names that every other command asks for."""
    django()
    from bonanca.catalog.queries import list_services

    found = [
        {"service": one.slug, "team": one.team_slug, "name": one.name, "critical": one.critical}
        for one in list_services()
    ]
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("no service is declared yet: bonanca apply bonanca.yaml")
    else:
        table(
            ("service", "team", "name", ""),
            [(one["service"], one["team"], one["name"], "critical" if one["critical"] else "") for one in found],
        )


@app.command()
def status(
    service: Annotated[str, typer.Argument(metavar="[SERVICE]", help="The service's slug; without it, all.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say how the replicas are. Exit 1 when one was given up: it waits for a person."""
    django()
    from bonanca.catalog.queries import get_service
    from bonanca.response.queries import replicas

    found = replicas(service=get_service(service).slug if service else None)
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("no replica was ever started by Bonança")
    else:
        table(("replica", "state", "since (UTC)", "release", "restarts", "last trouble"), [_row(one) for one in found])
    given_up = sorted({one.service for one in found if one.given_up})
    if given_up:
        for name in given_up:
            typer.echo(f"start it again: bonanca service restart {name} --reason …", err=True)
        raise typer.Exit(1)


@app.command()
def restart(service: Service, reason: Reason = "", wait: Wait = False, as_json: JsonOption = False) -> None:
    """Restart every replica in turn, or start what is stopped or was given up."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.operate_service import restart_service

    plan = restart_service(service, reason=reason, actor=local_operator(), now=utc_now())
    started(plan, wait=wait, as_json=as_json)


@app.command()
def stop(service: Service, reason: Reason = "", wait: Wait = False, as_json: JsonOption = False) -> None:
    """Let every replica finish its work and end. Nothing starts it again by itself."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.operate_service import stop_service

    plan = stop_service(service, reason=reason, actor=local_operator(), now=utc_now())
    started(plan, wait=wait, as_json=as_json)


@app.command()
def traffic(
    service: Service,
    weights: Annotated[str, typer.Argument(help="'replicas=90 standby=10', or ports: '8001=3 8002=1'.")],
    reason: Reason = "",
    minutes: Annotated[float, typer.Option(min=0, help="It ends by itself after so long.")] = 60,
    wait: Wait = False,
    as_json: JsonOption = False,
) -> None:
    """Share requests out by weight, at the gateway. To end it sooner: bonanca plan undo."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.operate_service import shift_traffic

    plan = shift_traffic(
        service,
        weights=weights,
        expires_in_s=round(minutes * 60),
        reason=reason,
        actor=local_operator(),
        now=utc_now(),
    )
    started(plan, wait=wait, as_json=as_json)


def _row(one: ReplicaView) -> tuple[str, ...]:
    trouble = one.error.splitlines()[0] if one.error else ""
    return (one.name, one.state, f"{one.since:%Y-%m-%d %H:%M:%S}", one.release, str(one.restarts), trouble)
