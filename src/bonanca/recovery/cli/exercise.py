"""`bonanca drill procedure` and `bonanca drill exercise`: how everything comes back, and walking through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from bonanca.recovery.cli.drill import app as drill_app
from bonanca.ui.console import JsonOption, emit, note, print_json, say, table

if TYPE_CHECKING:
    from bonanca.recovery.views.exercises import ExerciseView

exercise = typer.Typer(help="Walk through the resume-everything procedure, step by step.", no_args_is_help=True)
drill_app.add_typer(exercise, name="exercise")
Id = Annotated[UUID, typer.Argument(help="The exercise's id.")]
Number = Annotated[int, typer.Argument(min=1, help="The step's number.")]


@drill_app.command()
def procedure(
    form: Annotated[Literal["md", "json"], typer.Option("--format", help="Markdown or JSON.")] = "md",
) -> None:
    """How everything is resumed, in dependency order: what from where, with which key, how long, what to type."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.procedure_text import markdown
    from bonanca.recovery.queries.procedure import procedure as made

    found = made(utc_now())
    if form == "json":
        print_json(found)
        return
    typer.echo(markdown(found), nl=False)


@exercise.command("list")
def list_(
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when none was passed in time.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Exercises, newest first, and whether one is due."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.queries.exercises import exercises_status, list_exercises

    rows, status = list_exercises(), exercises_status(utc_now())

    def shown() -> None:
        cells = [(e.id, f"{e.started_at:%Y-%m-%d %H:%M} UTC", e.state.value, f"{e.done}/{len(e.steps)}") for e in rows]
        table(("id", "begun", "state", "steps"), cells)
        if status.overdue:
            note(f"an exercise is due: none was passed in {status.every_days:g} days (bonanca drill exercise start)")

    emit(rows, as_json=as_json, show=shown)
    if check and status.overdue:
        raise typer.Exit(1)


@exercise.command()
def start(as_json: JsonOption = False) -> None:
    """Freeze the procedure as it is now, and begin to walk through it."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.start_exercise import start_exercise

    found = start_exercise(actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


@exercise.command()
def show(exercise_id: Id, as_json: JsonOption = False) -> None:
    """One exercise with its steps: who did what when, and what came of it."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.recovery.queries.exercises import get_exercise

    found = get_exercise(exercise_id)
    emit(found, as_json=as_json, show=lambda: _show(found))


@exercise.command()
def begin(exercise_id: Id, number: Number, as_json: JsonOption = False) -> None:
    """Begin a step: its time runs; a restorable one is restored into a scratch server by a worker."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.tick_step import begin_step

    found = begin_step(exercise_id=exercise_id, number=number, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


@exercise.command()
def tick(
    exercise_id: Id,
    number: Number,
    outcome: Annotated[Literal["done", "failed", "skipped"], typer.Option(help="What became of it.")] = "done",
    words: Annotated[str, typer.Option("--note", help="What was seen; needed for failed and skipped.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say what became of a step."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.tick_step import tick_step

    found = tick_step(
        exercise_id=exercise_id, number=number, outcome=outcome, note=words, actor=local_operator(), now=utc_now()
    )
    emit(found, as_json=as_json, show=lambda: _show(found))


@exercise.command()
def finish(
    exercise_id: Id,
    words: Annotated[str, typer.Option("--note", help="What was learnt.")] = "",
    abandon: Annotated[bool, typer.Option("--abandon", help="End it with steps left; needs --note.")] = False,
    as_json: JsonOption = False,
) -> None:
    """End the exercise: passed, failed, or abandoned."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.finish_exercise import finish_exercise

    found = finish_exercise(exercise_id=exercise_id, note=words, actor=local_operator(), now=utc_now(), abandon=abandon)
    emit(found, as_json=as_json, show=lambda: _show(found))


def _show(found: ExerciseView) -> None:
    say(f"{found.id}  {found.state.value}  {found.done}/{len(found.steps)} steps, begun by {found.started_by}")
    for step in found.steps:
        how = "by a worker" if step.automatic else "by a person"
        took = f" in {step.took_s:.0f} s" if step.took_s is not None else ""
        say(f"  {step.number:>3} {step.state.value:<8} {step.title} ({how}){took} {step.note}")
