"""`bonanca status`: what the public reads, and how to tell it more."""

from __future__ import annotations

from typing import Annotated

import typer

from bonanca.ui.console import JsonOption, emit, print_json
from bonanca.ui.references import numbered

CLI_NAME = "status"
CLI_PANEL = "Run an incident"
app = typer.Typer(help="The public status page: read it, publish an update.", no_args_is_help=True)


@app.command()
def show(as_json: JsonOption = False) -> None:
    """Print the status page as the public sees it (times in UTC)."""
    _django()
    from bonanca.comms.queries import status_page
    from bonanca.kernel.clock import utc_now

    page = status_page(utc_now())
    if as_json:
        # The history of every day is the page's; a program asks for what is true now.
        components = [{"slug": c.slug, "name": c.name, "state": c.state} for c in page.components]
        print_json(
            {"indicator": page.indicator, "components": components, "current": page.current, "past": page.past},
        )
        return
    if not page.components:
        typer.echo("no service is on the status page: give one a `status_page: {component: …}` and run `bonanca apply`")
        return
    typer.echo(page.sentence)
    width = max(len(component.name) for component in page.components)
    for component in page.components:
        typer.echo(f"  {component.name:<{width}}  {component.state_label}")
    for incident in page.current:
        typer.echo(f"\nINC-{incident.number}  {incident.title}  ({incident.state_label})")
        for update in incident.updates:
            typer.echo(f"  {update.at:%Y-%m-%d %H:%M}  {update.state_label}: {update.text}")
    if page.past:
        typer.echo("\nBefore")
    for incident in page.past:
        over = f"{incident.resolved_at:%Y-%m-%d %H:%M}" if incident.resolved_at else "-"
        typer.echo(f"  INC-{incident.number}  {incident.title}  {incident.started_at:%Y-%m-%d %H:%M} to {over}")


@app.command()
def say(
    number: Annotated[
        int, typer.Argument(parser=numbered("INC"), metavar="INC", help="The incident it is about: 42 or INC-42.")
    ],
    text: Annotated[str, typer.Argument(help="The words that the public reads, as you write them.")],
    state: Annotated[str, typer.Option(help="investigating, identified, monitoring or resolved.")] = "investigating",
    as_json: JsonOption = False,
) -> None:
    """Publish an update about an incident on the status page."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.comms.operations.publish_update import publish_update
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    incident = by_number(number)
    published = publish_update(incident.id, state=state, text=text, actor=local_operator(), now=utc_now())
    said = {"id": published, "incident": incident.number, "state": state, "text": text.strip()}
    emit(said, as_json=as_json, show=lambda: typer.echo(f"published about {incident.label} ({state})"))


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()
