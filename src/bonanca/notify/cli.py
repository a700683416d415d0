"""`bonanca message`: the ledger of everything that left the house."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, print_json, table

CLI_NAME = "message"
CLI_PANEL = "Run an incident"
app = typer.Typer(help="The ledger of messages: what was sent, what was not.", no_args_is_help=True)


@app.command("list")
def list_(
    needing_a_person: Annotated[
        bool, typer.Option("--stuck", help="Only what failed, or may have arrived: a person decides.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List messages, newest first (times in UTC)."""
    _django()
    from bonanca.notify import queries

    found = (queries.needing_a_person() if needing_a_person else queries.messages(limit=limit))[:limit]
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("no message waits for a person" if needing_a_person else "nothing has been sent yet")
        return
    table(
        ("queued", "purpose", "to", "state", "tries", "subject"),
        [(f"{m.queued_at:%Y-%m-%d %H:%M:%S}", m.purpose, m.to, m.state, m.attempts, m.subject) for m in found],
    )
    for message in found:
        if message.last_error:
            typer.echo(f"\n{message.subject}: {message.last_error}")
        if message.state in ("failed", "unknown"):
            typer.echo(f"  bonanca message resend {message.id}")


@app.command()
def resend(
    message: Annotated[UUID, typer.Argument(metavar="MESSAGE", help="Its id, as `bonanca message list` prints it.")],
    as_json: JsonOption = False,
) -> None:
    """Send a failed or unsure message again, under its old Message-ID, so that mail programs show it once."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.notify.operations.resend import resend as send_again

    send_again(message, actor=local_operator(), now=utc_now())
    emit({"id": message, "state": "queued"}, as_json=as_json, show=lambda: typer.echo("queued again"))


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()
