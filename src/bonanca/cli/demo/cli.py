"""`bonanca demo`: one storm, end to end, on real parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(root: typer.Typer) -> None:
    @root.command(rich_help_panel="Run")
    def demo(
        report: Annotated[Path | None, typer.Option(help="Write the outcome as JSON to this file too.")] = None,
        home: Annotated[
            Path | None,
            typer.Option(help="The demo's own folder, emptied at the start; default: .bonanca-demo here."),
        ] = None,
        stay: Annotated[
            bool | None,
            typer.Option("--stay/--no-stay", help="Keep serving the pages afterwards; default: on a terminal."),
        ] = None,
        rate: Annotated[float, typer.Option(help="Visitors a second.", min=5, max=200)] = 25.0,
    ) -> None:
        """Watch a real shop break, be contained, rolled back (code, data, configuration) and explained.

        Exit code 0 only if every check of the storm held. Needs no root, no Docker and no network.
        """
        from bonanca.cli.demo.run import run_demo

        raise typer.Exit(run_demo(report=report, home=home, stay=stay, rate=rate))
