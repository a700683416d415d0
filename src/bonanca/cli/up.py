"""`bonanca up`: the whole product on this machine."""

from __future__ import annotations

from typing import Annotated

import typer


def register(root: typer.Typer) -> None:
    @root.command(rich_help_panel="Run")
    def up(
        host: Annotated[str, typer.Option(help="Address of the pages.", envvar="BONANCA_HOST")] = "127.0.0.1",
        port: Annotated[
            int | None,
            typer.Option(
                help="Port of the pages; without it 8000, or a free one.", envvar="BONANCA_PORT", min=1, max=65535
            ),
        ] = None,
        gateway: Annotated[
            bool | None,
            typer.Option("--gateway/--no-gateway", help="Run a gateway too; without it, if Traefik is installed."),
        ] = None,
        gateway_host: Annotated[str, typer.Option(help="Address of the gateway.")] = "127.0.0.1",
        gateway_port: Annotated[
            int | None,
            typer.Option(help="Port of the gateway; without it the last one, or a free one.", min=1, max=65535),
        ] = None,
        workers: Annotated[int, typer.Option(help="Worker processes.", min=1, max=64)] = 1,
    ) -> None:
        """Run everything on this machine: database (unless DATABASE_URL is set), pages, worker, gateway.

        What dies is started again. Ctrl-C or SIGTERM ends everything in order; a second Ctrl-C at once.
        """
        from bonanca.cli.supervisor.start import Up, Wishes

        Up(Wishes(host, port, gateway, gateway_host, gateway_port, workers)).run()
