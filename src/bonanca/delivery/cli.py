"""`bonanca change`: what is to be shipped, and whether it may. Deploying it belongs to `response`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bonanca.ui.console import JsonOption, emit, print_json, table
from bonanca.ui.references import numbered

if TYPE_CHECKING:
    from bonanca.delivery.queries import ChangeView

CLI_NAME = "change"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="Changes: propose, judge by gates, deploy.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(parser=numbered("CHG"), metavar="CHG", help="The change: 7 or CHG-7.")]


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option(help="Only changes of this service.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List changes, newest first (times in UTC)."""
    _django()
    from bonanca.delivery.queries import recent_changes

    found = recent_changes(service=service, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("no change has been proposed yet: `bonanca change propose SERVICE VERSION`")
        return
    columns = ("change", "proposed", "service", "version", "state", "gates", "title")
    rows = [
        (c.label, f"{c.proposed_at:%Y-%m-%d %H:%M}", c.service, c.version, c.state, _gates(c), c.title) for c in found
    ]
    table(columns, rows)


@app.command()
def propose(
    service: Annotated[str, typer.Argument(help="The service, as `bonanca.yaml` calls it.")],
    version: Annotated[str, typer.Argument(help="Branch, tag or commit of its repository.")],
    title: Annotated[str, typer.Option(help="What changes, for people; without it, service and version.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Record what is to be shipped, and ask the gates."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.delivery.operations.propose_change import propose_change
    from bonanca.kernel.clock import utc_now

    change = propose_change(service=service, version=version, title=title, actor=local_operator(), now=utc_now())
    emit(change, as_json=as_json, show=lambda: _show(change))


@app.command()
def show(number: Number, as_json: JsonOption = False) -> None:
    """Print one change: versions, state, gates as they were last asked."""
    _django()
    from bonanca.delivery.queries import by_number

    change = by_number(number)
    emit(change, as_json=as_json, show=lambda: _show(change))


@app.command()
def gates(number: Number, as_json: JsonOption = False) -> None:
    """Ask the gates again; exit 1 when one is closed."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.delivery.operations.evaluate_gates import evaluate_gates
    from bonanca.delivery.queries import by_number
    from bonanca.kernel.clock import utc_now

    change = evaluate_gates(by_number(number).id, actor=local_operator(), now=utc_now())
    if as_json:
        print_json([{"name": g.name, "passed": g.passed, "words": g.words} for g in change.gates])
    else:
        _show_gates(change)
    raise typer.Exit(0 if change.gates_passed else 1)


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()


def _gates(change: ChangeView) -> str:
    if change.gates_overridden:
        return "overridden"
    return "open" if change.gates_passed else "closed"


def _show(change: ChangeView) -> None:
    typer.echo(f"{change.label}  {change.title}")
    came_from = change.from_sha[:12] or "nothing (first deployment)"
    typer.echo(f"  service       {change.service} of team {change.team}")
    typer.echo(f"  version       {change.version}: {came_from} → {change.to_sha[:12]}")
    typer.echo(f"  state         {change.state}")
    typer.echo(f"  proposed      {change.proposed_at:%Y-%m-%d %H:%M:%S} by {change.proposed_by}")
    if change.deploying_at:
        typer.echo(f"  deploying     {change.deploying_at:%Y-%m-%d %H:%M:%S}")
    if change.finished_at:
        typer.echo(f"  finished      {change.finished_at:%Y-%m-%d %H:%M:%S}")
    if change.run_id:
        typer.echo(f"  plan          {change.run_id}  (bonanca plan show {change.run_id})")
    typer.echo("\nGates")
    _show_gates(change)
    if change.gates_overridden:
        typer.echo(f"  gone through with the reason: {change.gates_overridden}")
    if change.state == "proposed":
        typer.echo(f"\nNext: bonanca change deploy {change.number} --wait")


def _show_gates(change: ChangeView) -> None:
    for gate in change.gates:
        typer.echo(f"  {'open  ' if gate.passed else 'closed'}  {gate.words}")
