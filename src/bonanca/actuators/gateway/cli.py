"""`bonanca gateway`: the edge host's command. No Django: it must start and serve without web and database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(root: typer.Typer) -> None:
    """Add the command to `bonanca`."""
    root.command("gateway", rich_help_panel="Run")(gateway)


def gateway(
    name: Annotated[str, typer.Option("--name", help="Which gateway of the desired state this is.")] = "default",
    web: Annotated[
        str,
        typer.Option(
            "--web", envvar="BONANCA_WEB_URL", help="Where `bonanca web` answers; several with commas between."
        ),
    ] = "http://127.0.0.1:8000",
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", help="Token of scope `gateway`, mode 0600. Without it, BONANCA_GATEWAY_TOKEN is read."
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on for visitors.")] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Port for visitors; without it, the last one or a free one."),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="How visitors reach it, when that is not host and port.")
    ] = None,
) -> None:
    """Run Traefik in front of the services and keep it as web wants it, also while web is down."""
    from bonanca.actuators.gateway.agent.main import run
    from bonanca.kernel.errors import EXIT_CODE, BonancaError
    from bonanca.kernel.logs import configure

    configure()
    try:
        run(
            gateway=name,
            web_url=web,
            token_file=token_file,
            entry_host=host,
            entry_port=port,
            advertised_url=url,
            started=lambda address: typer.echo(f"gateway {name} serves on {address}"),
        )
    except BonancaError as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(EXIT_CODE.get(refused.code, 1)) from refused
