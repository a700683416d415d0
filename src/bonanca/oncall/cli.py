"""`bonanca oncall`: whom would a page reach?"""

from __future__ import annotations

from typing import Annotated

import typer

from bonanca.ui.console import JsonOption, emit

CLI_NAME = "oncall"
CLI_PANEL = "Run an incident"
app = typer.Typer(help="On call: who answers for a team.", no_args_is_help=True)


@app.callback()
def oncall() -> None:
    """On call: who answers for a team."""


@app.command()
def who(
    team: Annotated[str, typer.Argument(help="The team, as `bonanca.yaml` calls it.")],
    as_json: JsonOption = False,
) -> None:
    """Say whom a page of the team reaches now; exit 1 when nobody is on call."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.kernel.clock import utc_now
    from bonanca.oncall.queries import who_is_on_call

    person = who_is_on_call(team, utc_now())
    if person is None:
        emit(None, as_json=as_json, show=lambda: typer.echo(_nobody(team), err=True))
        raise typer.Exit(1)
    emit(person, as_json=as_json, show=lambda: typer.echo(f"{person.name} <{person.email}>"))


def _nobody(team: str) -> str:
    return f"nobody is on call for {team}: list a member under its `on_call` and run `bonanca apply`"
