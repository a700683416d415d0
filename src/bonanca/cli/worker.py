"""`bonanca worker`: plans, schedules, reactions and notifications, alone."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer


def register(root: typer.Typer) -> None:
    @root.command(rich_help_panel="Run")
    def worker(
        slot: Annotated[str, typer.Option(help="Tells several workers of one machine apart.")] = "1",
    ) -> None:
        """Run plans, schedules and notifications alone; start as many as you like."""
        # By name: `config` stands above every command and may not be imported from here.
        main = import_module("bonanca.config.worker").main
        raise typer.Exit(int(main(slot)))
