"""`bonanca doctor`: is this machine fit, and if not, what to do."""

from __future__ import annotations

import typer

from bonanca.ui.console import JsonOption


def register(root: typer.Typer) -> None:
    @root.command(rich_help_panel="Run")
    def doctor(as_json: JsonOption = False) -> None:
        """Check versions, disk, clock, ports, database, git and Traefik; exit 1 when something must be mended."""
        from bonanca.cli.doctor.report import report

        raise typer.Exit(report(as_json=as_json))
