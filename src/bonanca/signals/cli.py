"""`bonanca slo` and `bonanca alerts`: objectives and alerts from a terminal."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from bonanca.ui.console import JsonOption, print_json, table

slo = typer.Typer(help="Objectives and their error budgets.", no_args_is_help=True)
alerts = typer.Typer(help="Alerts: list them, raise one.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add both commands to `bonanca`."""
    root.add_typer(slo, name="slo", rich_help_panel="Watch")
    root.add_typer(alerts, name="alerts", rich_help_panel="Watch")


@slo.command("list")
def list_slos(
    service: Annotated[str | None, typer.Option("--service", help="Only the objectives of this service.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Every objective with what is left of its error budget."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.kernel.clock import utc_now
    from bonanca.signals import queries

    rows = queries.budgets(utc_now(), service)
    if as_json:
        print_json(rows)
        return
    _list(
        ("objective", "service", "target", "spent", "status", "failed", "requests"),
        [
            (
                one.slo,
                one.service,
                f"{one.objective:g} %",
                f"{one.spent_percent:.1f} %",
                one.status if one.measured else f"unknown (was {one.status})",
                str(one.bad),
                str(one.total),
            )
            for one in rows
        ],
        "no objective is declared: add one under slo: of a service and run `bonanca apply`",
    )


@slo.command("show")
def show_slo(slug: Annotated[str, typer.Argument(help="The objective's slug.")], as_json: JsonOption = False) -> None:
    """One objective: its budget, what it allows, its alerts."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.kernel.clock import utc_now
    from bonanca.signals import queries

    view = queries.budget(slug, utc_now())
    if as_json:
        print_json(view)
        return
    state = view.status if view.measured else "unknown: its counters cannot be read at present"
    history = f", known for {view.history_s} s" if view.partial else ""
    typer.echo(f"{view.name} ({view.slo}) of {view.service}")
    typer.echo(f"  target     {view.objective:g} % of requests good over {view.window_s} s{history}")
    typer.echo(f"  requests   {view.total}, failed {view.bad} of {view.allowed_bad:.1f} allowed")
    typer.echo(f"  budget     {view.spent_percent:.1f} % spent, {view.remaining_percent:.1f} % left")
    typer.echo(f"  deploy     {state}")


@alerts.command("list")
def list_alerts(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    service: Annotated[str | None, typer.Option("--service", help="Only alerts of this service.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """Alerts that fire, the newest first."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.signals import queries

    rows = queries.alerts(state=None if everything else "firing", service=service, limit=limit)
    if as_json:
        print_json(rows)
        return
    _list(
        ("severity", "state", "since", "service", "summary"),
        [(a.severity, a.state, a.starts_at.isoformat(timespec="seconds"), a.service or "-", a.summary) for a in rows],
        "nothing fires",
    )


@alerts.command("add")
def add_alert(
    labels: Annotated[list[str], typer.Argument(help="Labels: alertname=DiskFull service=loja-api severity=high")],
    annotation: Annotated[
        list[str] | None, typer.Option("--annotation", help="Such as summary='Disk is full'.")
    ] = None,
    resolve: Annotated[bool, typer.Option("--resolve", help="End this alert instead of raising it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Raise an alert as a sender would, or end it. It resolves by itself 5 minutes after it was last sent."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.errors import Invalid
    from bonanca.signals.alertmanager import Malformed, parse_alerts, rfc3339
    from bonanca.signals.operations.receive_alerts import receive_alerts
    from bonanca.signals.state import Door

    now = utc_now()
    posted: dict[str, Any] = {"labels": _pairs(labels), "annotations": _pairs(annotation or [])}
    if resolve:
        posted["endsAt"] = rfc3339(now)
    try:
        parsed = parse_alerts(json.dumps([posted]).encode())
    except Malformed as refused:
        raise Invalid(str(refused)) from None
    result = receive_alerts(parsed, actor=local_operator(), now=utc_now(), door=Door.MANUAL)
    if as_json:
        print_json(result)
    elif result.fired:
        typer.echo("the alert fires")
    elif result.resolved:
        typer.echo("the alert is over")
    else:
        typer.echo("it was firing already" if result.repeated else "there was no such alert to end")


def _pairs(texts: list[str]) -> dict[str, str]:
    from bonanca.kernel.errors import Invalid

    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Invalid(f"'{text}' is not name=value")
        pairs[name] = value.strip('"')
    return pairs


def _list(head: tuple[str, ...], rows: list[tuple[str, ...]], nothing: str) -> None:
    if rows:
        table(head, rows)
    else:
        typer.echo(nothing)
