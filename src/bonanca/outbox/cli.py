"""`bonanca outbox`: reactions and jobs that fail, and another try for them."""

from __future__ import annotations

from typing import Annotated

import typer

from bonanca.ui.console import JsonOption, emit, print_json

CLI_NAME = "outbox"
CLI_PANEL = "Run"
app = typer.Typer(help="Reactions and periodic jobs: what fails, try again.", no_args_is_help=True)


@app.command("list")
def list_(
    traces: Annotated[
        bool, typer.Option("--traces", help="Print whole tracebacks instead of their last line.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List reactions and jobs that fail; exit 1 when there are any."""
    _django()
    from bonanca.outbox import queries

    deliveries, jobs, waiting = queries.failed_deliveries(), queries.failing_jobs(), queries.waiting()
    if as_json:
        print_json({"waiting": waiting, "deliveries": deliveries, "jobs": jobs})
        raise typer.Exit(1 if deliveries or jobs else 0)
    for d in deliveries:
        again = "given up" if d.state == "failed" else "will be tried again"
        typer.echo(f"reaction {d.id}  {d.subscriber} to {d.event_name}: {again}, tried {d.attempts} times")
        typer.echo(_told(d.error, whole=traces))
    for job in jobs:
        typer.echo(f"job {job.name}: fails since {job.since:%Y-%m-%d %H:%M:%S} UTC, {job.failures} times in all")
        typer.echo(_told(job.error, whole=traces))
    if any(d.state == "failed" for d in deliveries):
        typer.echo("\nTry again: bonanca outbox retry ID, or --all")
    if not deliveries and not jobs:
        typer.echo("nothing fails" + (f"; {waiting} to be worked off" if waiting else ""))
    raise typer.Exit(1 if deliveries or jobs else 0)


@app.command()
def retry(
    delivery: Annotated[int | None, typer.Argument(metavar="ID", help="A reaction that was given up.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every reaction that was given up.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Try reactions again that were given up. Jobs need no retry: each runs again at its next turn."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.errors import Invalid
    from bonanca.outbox.operations.retry_delivery import retry_delivery
    from bonanca.outbox.queries import failed_deliveries

    if (delivery is None) == (not everything):
        raise Invalid("Name one reaction by its id, or give --all.")
    wanted = [d.id for d in failed_deliveries() if d.state == "failed"] if delivery is None else [delivery]
    for one in wanted:
        retry_delivery(one, actor=local_operator(), now=utc_now())
    said = f"{len(wanted)} due again" if wanted else "nothing was given up"
    emit({"retried": wanted}, as_json=as_json, show=lambda: typer.echo(said))


def _told(error: str, *, whole: bool) -> str:
    lines = error.strip().splitlines() or [""]
    return "\n".join(f"    {line}" for line in (lines if whole else lines[-1:]))


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()
