"""`bonanca plan`: what runs, and how people steer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, plain, say, table

if TYPE_CHECKING:
    from bonanca.durable.stuck import Stuck
    from bonanca.durable.views import PlanRunView

CLI_NAME = "plan"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="Durable plans: what runs, and how to steer it.", no_args_is_help=True)

PlanId = Annotated[UUID, typer.Argument(metavar="PLAN", help="The plan's id, as `bonanca plan list` prints it.")]


@app.command("list")
def list_plans(
    subject: Annotated[str | None, typer.Option(help="Only of this subject, such as service:loja-api.")] = None,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Only those that run or wait.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Plans, the newest first."""
    _django()
    from bonanca.durable.queries import list_runs
    from bonanca.durable.state import UNFINISHED

    runs = list_runs(subject=subject, states=sorted(UNFINISHED) if unfinished else None, limit=limit)
    columns = ["plan", "started", "kind", "subject", "state", "steps", "title"]
    rows = [
        (str(r.id), f"{r.created_at:%Y-%m-%d %H:%M:%S}", r.kind, r.subject, r.state.value, _done(r), r.title)
        for r in runs
    ]
    emit(list(runs), as_json=as_json, show=lambda: table(columns, rows) if rows else say("no plan"))


@app.command()
def show(plan: PlanId, as_json: JsonOption = False) -> None:
    """One plan with its steps."""
    _django()
    from bonanca.durable.queries import get_run

    _emit(get_run(plan), as_json)


@app.command()
def retry(plan: PlanId, as_json: JsonOption = False) -> None:
    """Go on with a failed plan from the step that failed."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.durable.operations.retry_plan import retry_plan
    from bonanca.kernel.clock import utc_now

    _emit(retry_plan(plan, actor=local_operator(), now=utc_now()), as_json)


@app.command()
def undo(plan: PlanId, as_json: JsonOption = False) -> None:
    """Take a plan back: a new plan, whose steps undo what was done, the last first."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.durable.operations.undo_plan import undo_plan
    from bonanca.kernel.clock import utc_now

    _emit(undo_plan(plan, actor=local_operator(), now=utc_now()), as_json)


@app.command()
def cancel(plan: PlanId, as_json: JsonOption = False) -> None:
    """Stop a plan before its next step. What was done stays."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.durable.operations.cancel_plan import cancel_plan
    from bonanca.kernel.clock import utc_now

    _emit(cancel_plan(plan, actor=local_operator(), now=utc_now()), as_json)


@app.command()
def pause(plan: PlanId, as_json: JsonOption = False) -> None:
    """Hold a plan before its next step, until it is resumed."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.durable.operations.pause_plan import pause_plan
    from bonanca.kernel.clock import utc_now

    _emit(pause_plan(plan, actor=local_operator(), now=utc_now()), as_json)


@app.command()
def resume(plan: PlanId, as_json: JsonOption = False) -> None:
    """Let a paused plan go on."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.durable.operations.resume_plan import resume_plan
    from bonanca.kernel.clock import utc_now

    _emit(resume_plan(plan, actor=local_operator(), now=utc_now()), as_json)


@app.command()
def skip(
    plan: PlanId,
    step: Annotated[str, typer.Argument(help="The step's key, as `bonanca plan show` prints it.")],
    reason: Annotated[str, typer.Option(help="Why the plan goes on without it; it stays with the plan.")],
    as_json: JsonOption = False,
) -> None:
    """Leave out a step that failed or waits, of a plan that failed or is paused."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.durable.operations.skip_step import skip_step
    from bonanca.kernel.clock import utc_now

    _emit(skip_step(plan, step, reason=reason, actor=local_operator(), now=utc_now()), as_json)


@app.command()
def abort(plan: PlanId, as_json: JsonOption = False) -> None:
    """Stop a plan before its next step and take back what it did."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.durable.operations.abort_plan import abort_plan
    from bonanca.kernel.clock import utc_now

    _emit(abort_plan(plan, actor=local_operator(), now=utc_now()), as_json)


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()


def _done(run: PlanRunView) -> str:
    return f"{sum(step.state == 'done' for step in run.steps)}/{len(run.steps)}"


def _emit(run: PlanRunView, as_json: bool) -> None:
    from bonanca.durable.stuck import stuck
    from bonanca.kernel.clock import utc_now

    found = stuck(run, utc_now())
    emit({**plain(run), "stuck": found}, as_json=as_json, show=lambda: _show(run, found))


def _show(run: PlanRunView, found: Stuck | None) -> None:
    by = f", taken over {run.takeovers} times" if run.takeovers else ""
    wish = ", to be aborted" if run.abort_by else ", to be paused" if run.pause_requested else ""
    say(f"{run.id}  {run.kind}  {run.subject}  {run.state.value}{by}{wish if not run.finished else ''}")
    if run.error:
        say(f"{run.error} {run.hint}")
    if run.waits_for:
        say(f"waits for people: {run.waits_for} (answer at {run.waits_at})")
    if found is not None:
        say(f"stuck: {found.why} {found.next_move}")
    rows = [
        (
            step.key,
            step.kind,
            step.direction,
            step.state.value,
            str(step.attempts),
            step.skip_reason or step.error or step.progress[1],
        )
        for step in run.steps
    ]
    table(["step", "kind", "does", "state", "attempts", "note"], rows)
