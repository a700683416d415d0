"""Follow a plan from a terminal until it ends. Looking is all it does: the plan needs nobody who looks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import typer

from bonanca.ui.console import console, note

if TYPE_CHECKING:
    from rich.table import Table

    from bonanca.durable.views import PlanRunView, StepView
    from bonanca.response.queries import ProposedPlanView

LOOK_EVERY_S = 0.25
# A worker takes a queued plan within a second; after this long it is worth saying that none does.
NOBODY_TAKES_IT_S = 5.0
# The proposal learns the outcome of its run by a reaction, a moment later.
SETTLE_S = 10.0

SIGNS = {"pending": "·", "running": "▸", "done": "✓", "failed": "✗", "skipped": "–"}


class Shown(Protocol):
    """Where progress goes: a live table, or a line for each step that has ended."""

    def __call__(self, run: PlanRunView) -> None: ...


def follow(plan_id: UUID) -> ProposedPlanView:
    """Show the steps of a started plan until it has ended, and return it.

    Raises:
        typer.Exit: 130 on Ctrl-C; the plan runs on, and that is said.
    """
    from bonanca.durable.queries import get_run
    from bonanca.response.queries import get_plan

    plan = get_plan(plan_id)
    assert plan.run_id is not None  # a plan that was started has a run (database constraint)
    try:
        with _screen(plan.title) as show:
            began, warned = time.monotonic(), False
            while not (run := get_run(plan.run_id)).finished:
                show(run)
                if run.state == "queued" and not warned and time.monotonic() - began > NOBODY_TAKES_IT_S:
                    warned = True
                    note("no worker has taken the plan yet: is `bonanca up` running?")
                time.sleep(LOOK_EVERY_S)
            show(run)
        until = time.monotonic() + SETTLE_S
        while (plan := get_plan(plan_id)).state == "running" and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        note(f"\nthe plan runs on without this terminal: bonanca plan show {plan.run_id}")
        raise typer.Exit(130) from None
    return plan


@contextmanager
def _screen(title: str) -> Iterator[Shown]:
    err = console(stderr=True)
    if not err.is_terminal:
        yield _Lines()
        return
    from rich.live import Live

    with Live(console=err, refresh_per_second=8) as live:
        yield lambda run: live.update(_steps(title, run))


class _Lines:
    """One line for each step that has ended, so that logs stay readable."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, run: PlanRunView) -> None:
        for step in run.steps:
            if step.state in ("done", "failed", "skipped") and step.key not in self._told:
                self._told.add(step.key)
                typer.echo(f"{SIGNS[step.state]} {_title(step)}{_took(step)}", err=True)


def _steps(title: str, run: PlanRunView) -> Table:
    from rich.markup import escape
    from rich.table import Table

    shown = Table("", title, "took", "expected", box=None, pad_edge=False, header_style="bold")
    styles = {"running": "bold", "failed": "red", "pending": "dim", "skipped": "dim"}
    for step in run.steps:
        words = step.progress[1] if step.state == "running" else step.error
        text = escape(_title(step)) + (f"  [dim]{escape(words)}[/dim]" if words else "")
        expected = f"{step.expected_s:.1f} s" if step.expected_s is not None else ""
        shown.add_row(SIGNS[step.state], text, _took(step).strip(), expected, style=styles.get(step.state, ""))
    return shown


def _title(step: StepView) -> str:
    from django.utils.translation import gettext

    return gettext(step.title) if step.title else step.key


def _took(step: StepView) -> str:
    from bonanca.kernel.clock import utc_now

    elapsed = step.elapsed_s(utc_now())
    return "" if elapsed is None else f"  {elapsed:.1f} s"
