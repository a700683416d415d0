"""`bonanca replication`: standbys, how far they are behind, and making one the primary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bonanca.ui.console import JsonOption, emit, note, say, table

if TYPE_CHECKING:
    from bonanca.recovery.views.promotion import PromotionPreview
    from bonanca.recovery.views.replication import ReplicationView

CLI_NAME = "replication"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="Standbys: how far behind they are, and making one the primary.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service's slug.")]


@app.command("list")
def list_(
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when a standby is not as it should be.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Every declared standby, as the last look found it."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.recovery import queries

    rows = queries.replication()

    def shown() -> None:
        if not rows:
            say("no service declares a standby: add database.standby in bonanca.yaml and run `bonanca apply`")
            return
        table(("service", "state", "behind", "MB behind", "MB held by slots", "error"), map(_row, rows))

    emit(rows, as_json=as_json, show=shown)
    if check and any(row.healthy is not True or row.lagging or row.holding for row in rows):
        raise typer.Exit(1)


@app.command()
def preview(service: Service, as_json: JsonOption = False) -> None:
    """What making the standby the primary would do, what forbids it, and what taking it back costs."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.preview_promotion import preview_promotion

    found = preview_promotion(service=service, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def promote(
    service: Service,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="The primary is gone: what the standby did not receive is lost.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Close the primary, make the standby the primary, point the service at it; says which plan does it."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.ids import new_id
    from bonanca.recovery.operations.start_promotion import start_promotion

    run = start_promotion(
        service=service,
        actor=local_operator(),
        now=utc_now(),
        key=f"promotion:{service}:asked:{new_id()}",
        accept_loss=accept_loss,
    )
    result = {"plan_id": run.id, "state": run.state}
    emit(result, as_json=as_json, show=lambda: say(f"plan {run.id}: bonanca plan show {run.id}"))


def _row(row: ReplicationView) -> tuple[object, ...]:
    state = "unknown" if row.healthy is None else "follows" if row.healthy else "BROKEN"
    behind = f"{row.lag_s:.0f} s of {row.max_lag_s:.0f} s" if row.lag_s is not None else ""
    return (row.service, state, behind, _mb(row.lag_bytes), _mb(row.slot_bytes), row.error)


def _mb(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.1f}"


def _show(found: PromotionPreview) -> None:
    for problem in found.problems:
        say(f"refused: {problem}")
    if not found.primary_answers:
        note("the primary does not answer: needs --accept-loss")
    for number, step in enumerate(found.steps, start=1):
        say(f"  {number} {step.title}")
    for words in found.undo:
        note(words)
