"""`bonanca audit`: is the evidence what was written?"""

from __future__ import annotations

import json
from typing import Annotated

import typer

CLI_NAME = "audit"
CLI_PANEL = "Learn"
app = typer.Typer(help="The audit chain: verify it, read it.", no_args_is_help=True)


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Check every hash of the chain; exit 1 and name the entries when one was changed, removed or inserted."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.kernel import audit

    broken = list(audit.verify())
    total = audit.count()
    if as_json:
        typer.echo(json.dumps({"entries": total, "broken": [b.__dict__ for b in broken]}))
    elif broken:
        for place in broken:
            typer.echo(f"{place.aggregate} entry {place.sequence}: {place.reason}", err=True)
        typer.echo(f"{len(broken)} of {total} entries do not hold", err=True)
    else:
        typer.echo(f"{total} entries, every one as it was written")
    raise typer.Exit(1 if broken else 0)


@app.command()
def show(
    aggregate: Annotated[str, typer.Argument(help="What to read, such as incident:0192….")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the entries as JSON.")] = False,
) -> None:
    """Print one aggregate's history, oldest entry first."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.kernel import audit

    entries = audit.history(aggregate)
    if as_json:
        typer.echo(json.dumps([e.__dict__ for e in entries], default=str))
        return
    for entry in entries:
        typer.echo(f"{entry.at.isoformat()}  {entry.actor:<32} {entry.action}  {json.dumps(entry.facts)}")
    if not entries:
        typer.echo(f"nothing is recorded about {aggregate}", err=True)
        raise typer.Exit(3)
