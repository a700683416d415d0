"""`bonanca postmortem`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

CLI_NAME = "postmortem"
CLI_PANEL = "Learn"
app = typer.Typer(help="Post-mortems drafted from evidence.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List post-mortems, newest first."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.postmortems.queries import postmortems

    found = postmortems()
    if as_json:
        typer.echo(json.dumps([p.__dict__ for p in found], default=str))
        return
    for p in found:
        typer.echo(f"INC-{p.number:<5} {p.drafted_at:%Y-%m-%d}  {p.severity:<9} {p.title}")
    if not found:
        typer.echo("no post-mortem has been drafted yet: one is made when an incident resolves")


@app.command()
def export(
    number: Annotated[int, typer.Argument(help="The incident's number: 42 for INC-42.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write into.")] = Path(),
    lang: Annotated[str, typer.Option("--lang", help="pt-br or en.")] = "pt-br",
    zone: Annotated[str, typer.Option("--zone", help="The time zone of its times.")] = "America/Sao_Paulo",
    as_json: AsJson = False,
) -> None:
    """Write the post-mortem as Markdown, YYYY-MM-DD-title.md, with its charts as SVG beside it."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.postmortems.export import export_postmortem

    written = export_postmortem(number, folder=out, locale=lang, time_zone=zone)
    typer.echo(json.dumps({"files": [str(p) for p in written]}) if as_json else "\n".join(map(str, written)))
