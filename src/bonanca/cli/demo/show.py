"""What the person in front of the terminal sees; without a terminal the same lines, plain."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bonanca.cli.demo.outcome import Outcome

ACTS = 8


class Show:
    """Prints acts and facts with the seconds since the start."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self.began = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not sys.stdout.isatty(),
        )
        self._task = self._progress.add_task("", total=ACTS)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show the progress line while the storm goes on."""
        with self._progress:
            yield

    def act(self, number: int, title: str) -> None:
        """Begin an act."""
        self._progress.update(self._task, completed=number - 1, description=title)
        self.console.print(f"\n[bold]{number}. {title}[/bold]")

    def doing(self, what: str) -> None:
        """Say what goes on at this moment (only on a terminal)."""
        self._progress.update(self._task, description=what)

    def fact(self, text: str) -> None:
        """Say what was measured."""
        self.console.print(f"   [dim]{time.monotonic() - self.began:6.1f} s[/dim]  {text}")

    def verdict(self, name: str, held: bool) -> None:
        """Say whether a check held."""
        mark = "[green]✓[/green]" if held else "[red]✗[/red]"
        self.console.print(f"   [dim]{time.monotonic() - self.began:6.1f} s[/dim]  {mark} {name}")

    def table(self, outcome: Outcome) -> None:
        """Print the closing table."""
        table = Table(title="The storm, measured", show_header=False, title_justify="left")
        table.add_column()
        table.add_column(justify="right")
        for name, value in _rows(outcome):
            table.add_row(name, value)
        self.console.print()
        self.console.print(table)
        failed = [name for name, held in outcome.checks.items() if not held]
        held = len(outcome.checks) - len(failed)
        self.console.print(
            f"{held} of {len(outcome.checks)} checks held" + (f"; not: {', '.join(failed)}" if failed else "")
        )


def _rows(o: Outcome) -> list[tuple[str, str]]:
    def seconds(value: float | None) -> str:
        return "not measured" if value is None else f"{value:.1f} s"

    spent = "not measured" if o.budget_spent_percent is None else f"{o.budget_spent_percent:.1f} %"
    return [
        ("first failure → detected", seconds(o.detect_s)),
        ("first failure → page accepted", seconds(o.page_s)),
        ("first failure → contained", seconds(o.contain_s)),
        ("first failure → verified and open again", seconds(o.restore_s)),
        ("rollback, from approval to the end of its watch", seconds(o.rollback_s)),
        ("requests", f"{o.requests_total}"),
        ("of these failed", f"{o.requests_failed}"),
        ("orders confirmed to buyers", f"{o.orders_confirmed}"),
        ("rows set aside and applied again", f"{o.rows_reapplied}"),
        ("of these lost", f"{o.orders_lost}"),
        ("error budget spent", spent),
        ("workers killed and survived", f"{o.kills_survived}"),
        ("the whole storm", seconds(o.total_s)),
    ]
