"""`bonanca privacy`: people who stay erased, what older data would bring back, and everything that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, say, table

if TYPE_CHECKING:
    from bonanca.recovery.views.privacy import ReviewView

CLI_NAME = "privacy"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="People who stay erased, and what older data would bring back.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service's slug.")]
ReviewId = Annotated[
    UUID, typer.Argument(metavar="REVIEW", help="The review's id, as `bonanca privacy reviews` prints.")
]
OfService = Annotated[str | None, typer.Option("--service", help="Only of this service.")]


@app.command()
def erase(
    service: Service,
    reason: Annotated[str, typer.Option(help="Why, such as the number of the request; it is shown.")],
    as_json: JsonOption = False,
) -> None:
    """Record people who were erased: one reference a line on standard input, so that none is in a list of processes."""
    import sys

    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.errors import Invalid
    from bonanca.recovery.operations.record_erasure import record_erasure

    if sys.stdin.isatty():
        typer.echo("one reference a line, then Ctrl-D:", err=True)
    references = [line.strip() for line in sys.stdin if line.strip()]
    if not references:
        raise Invalid("No reference was given on standard input: nothing was recorded.")
    actor = local_operator()
    found = [
        record_erasure(service=service, reference=r, reason=reason, actor=actor, now=utc_now()) for r in references
    ]
    emit(found, as_json=as_json, show=lambda: say(f"recorded: {', '.join(one.mark for one in found)}"))


@app.command()
def erasures(service: Service, as_json: JsonOption = False) -> None:
    """The register of a service, newest first; never a reference to anybody."""
    _django()
    from bonanca.recovery.queries.privacy import erasures_of

    found = erasures_of(service)
    rows = [(one.mark, f"{one.erased_at:%Y-%m-%d %H:%M}", one.reason, one.recorded_by) for one in found]
    emit(
        list(found),
        as_json=as_json,
        show=lambda: table(("person", "erased", "why", "recorded by"), rows) if rows else say("nobody"),
    )


@app.command()
def reviews(service: OfService = None, as_json: JsonOption = False) -> None:
    """What plans asked people to look at before data came back, newest first."""
    _django()
    from bonanca.recovery.queries.privacy import list_reviews

    found = list_reviews(service)
    rows = [(str(r.id), f"{r.created_at:%Y-%m-%d %H:%M}", r.service, _state(r), str(r.left)) for r in found]
    columns = ("review", "opened", "service", "state", "left")
    emit(list(found), as_json=as_json, show=lambda: table(columns, rows) if rows else say("no review"))


@app.command()
def review(review_id: ReviewId, as_json: JsonOption = False) -> None:
    """One review with its points."""
    _django()
    from bonanca.recovery.queries.privacy import get_review

    found = get_review(review_id)
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def tick(
    review_id: ReviewId,
    number: Annotated[int, typer.Argument(min=1, help="The point's number.")],
    words: Annotated[str, typer.Option("--note", help="What is done about it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say that you have looked at a point; with the last one the plan goes on."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.tick_point import tick_point

    found = tick_point(review_id, number=number, note=words, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def kept(service: OfService = None, as_json: JsonOption = False) -> None:
    """Everything that is kept of people's data: until when, who may read it, and who has."""
    _django()
    from bonanca.recovery.queries.keeping import everything_kept

    found, ends = everything_kept(service), {"rows": "when settled", "restored": "when undone"}
    rows = [
        (
            one.kind,
            one.service,
            one.name,
            f"{one.expires_at:%Y-%m-%d %H:%M}" if one.expires_at else ends[one.kind],
            one.access,
            "; ".join(f"{reading.by} {reading.at:%Y-%m-%d %H:%M}" for reading in one.readings),
        )
        for one in found
    ]
    columns = ("kind", "service", "name", "expires", "access", "read by")
    emit(list(found), as_json=as_json, show=lambda: table(columns, rows) if rows else say("nothing is kept"))


def _state(found: ReviewView) -> str:
    return "over" if found.over and found.state.value == "waiting" else found.state.value


def _show(found: ReviewView) -> None:
    eyes = ", two people a point" if found.four_eyes else ""
    say(f"{found.id}  {found.service}  {_state(found)}{eyes}  plan {found.run_id}")
    for point in found.points:
        say(f"  {point.number:>2} {point.state.value:<5} {point.name or point.kind}: {point.text}. {point.remedy}")
        if point.found.get("keys"):
            say(f"        first: {', '.join(point.found['keys'])}")
        if point.ticked_by:
            say(f"        {' and '.join(filter(None, (point.ticked_by, point.second_by)))}  {point.note}".rstrip())


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()
