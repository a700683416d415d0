"""`bonanca gateway`: the agent beside the services, with its Traefik."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer


def register(root: typer.Typer) -> None:
    @root.command(rich_help_panel="Run")
    def gateway(
        name: Annotated[str, typer.Option(help="Its name in bonanca.yaml.")] = "default",
        web_url: Annotated[
            str, typer.Option(help="Where `bonanca web` answers.", envvar="BONANCA_URL")
        ] = "http://127.0.0.1:8000",
        token_file: Annotated[
            Path | None, typer.Option(help="File with its token (mode 0600); else BONANCA_GATEWAY_TOKEN.")
        ] = None,
        host: Annotated[str, typer.Option(help="Address to listen on for visitors.")] = "127.0.0.1",
        port: Annotated[
            int | None, typer.Option(help="Port for visitors; without it the last one, or a free one.")
        ] = None,
        advertised_url: Annotated[str | None, typer.Option(help="How visitors reach it, when it differs.")] = None,
    ) -> None:
        """Run the gateway in front of the services of this machine."""
        from bonanca.actuators.gateway.agent.main import run

        # By name: `config` stands above every command and may not be imported from here.
        import_module("bonanca.config.logs").configure()
        run(
            gateway=name,
            web_url=web_url,
            token_file=token_file,
            entry_host=host,
            entry_port=port,
            advertised_url=advertised_url,
            started=lambda url: typer.echo(f"gateway {name} serves {url}", err=True),
        )
