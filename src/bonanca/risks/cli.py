"""`bonanca contingency`: what to do while a service is away, in earnest and as an exercise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, note, say, table

if TYPE_CHECKING:
    from bonanca.risks.views import UseView

CLI_NAME = "contingency"
CLI_PANEL = "Run an incident"
app = typer.Typer(help="What to do while a service is away: begin, walk through, come back.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service's slug.")]
Slug = Annotated[str, typer.Argument(metavar="CONTINGENCY", help="Its slug, as declared.")]
UseId = Annotated[UUID, typer.Argument(metavar="USE", help="The id that `bonanca contingency start` prints.")]


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option("--service", help="Only of this service.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when one was not exercised in time.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Declared contingencies: what runs, and whether they were walked through in time."""
    _django()
    from bonanca.kernel.clock import utc_now
    from bonanca.risks.queries import contingencies, contingencies_of, services_without

    found = contingencies(utc_now()) if service is None else contingencies_of(service, utc_now())

    def shown() -> None:
        rows = [
            (
                one.service,
                one.declared.slug,
                one.kind.value,
                ("over time" if one.over_time else "running") if one.running else one.mark.value,
                f"{one.last_passed_at:%Y-%m-%d}" if one.last_passed_at else "never",
                one.declared.name,
            )
            for one in found
        ]
        table(("service", "contingency", "kind", "state", "walked through", "name"), rows)
        for slug, _name in services_without() if service is None else ():
            note(f"{slug} is critical and declares none")

    emit(list(found), as_json=as_json, show=shown)
    if check and any(not one.ok for one in found):
        raise typer.Exit(1)


@app.command()
def show(service: Service, contingency: Slug, as_json: JsonOption = False) -> None:
    """One contingency: when it is for, who does it, and its steps."""
    _django()
    from bonanca.kernel.clock import utc_now
    from bonanca.risks.queries import get_contingency

    found = get_contingency(service, contingency, utc_now())

    def shown() -> None:
        one = found.declared
        say(f"{one.name} ({one.kind}): {found.mark.value}\nwhen: {one.when}\nwho:  {one.who}")
        for title, steps in (("begin", one.begin), ("come back", one.end)):
            say(f"{title}:")
            for number, text in enumerate(steps, 1):
                say(f"  {number}. {text}")
        if found.running:
            say(f"running since {found.running.started_at:%Y-%m-%d %H:%M} UTC: {found.running.id}")

    emit(found, as_json=as_json, show=shown)


@app.command()
def start(
    service: Service,
    contingency: Slug,
    reason: Annotated[str, typer.Option(help="Why it is needed now.")] = "",
    exercise: Annotated[bool, typer.Option("--exercise", help="Practise it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Begin it; an open incident of the service has it on its timeline."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.risks.operations.start_contingency import start_contingency

    found = start_contingency(
        service=service, slug=contingency, reason=reason, exercise=exercise, actor=local_operator(), now=utc_now()
    )
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def use(use_id: UseId, as_json: JsonOption = False) -> None:
    """One use or exercise: who did what when."""
    _django()
    from bonanca.risks.queries import get_use

    found = get_use(use_id)
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def tick(
    use_id: UseId,
    number: Annotated[int, typer.Argument(min=1, help="The step's number.")],
    outcome: Annotated[Literal["done", "failed", "skipped"], typer.Option(help="What became of it.")] = "done",
    words: Annotated[str, typer.Option("--note", help="What was seen; needed for failed and skipped.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say what became of a step."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.risks.operations.tick_step import tick_step

    found = tick_step(use_id=use_id, number=number, outcome=outcome, note=words, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def end(
    use_id: UseId,
    words: Annotated[str, typer.Option("--note", help="What was learnt.")] = "",
    early: Annotated[bool, typer.Option("--early", help="End it with steps left; needs --note.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Come back to normal."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.risks.operations.end_contingency import end_contingency

    found = end_contingency(use_id=use_id, note=words, early=early, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


def _show(found: UseView) -> None:
    what = "exercise" if found.exercise else "in use"
    say(f"{found.id}  {found.name} ({what})  {found.state.value}  {found.done}/{len(found.steps)} steps")
    for step in found.steps:
        say(f"  {step.number:>2} {step.state.value:<7} {step.phase.value:<5} {step.text}  {step.note}".rstrip())


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()
