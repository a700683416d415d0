"""`bonanca replication`: standbys, how far they are behind, and making one the primary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bonanca.ui.console import JsonOption, emit, note, say, table

if TYPE_CHECKING:
    from bonanca.durable.plan import StepSpec
    from bonanca.recovery.views.promotion import PromotionPreview
    from bonanca.recovery.views.rejoin import RejoinPreview
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
        for row in rows:
            _show_left(row)

    emit([_with_left(row) for row in rows], as_json=as_json, show=shown)
    if check and any(_amiss(row) for row in rows):
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


@app.command()
def rejoin(
    service: Service,
    back: Annotated[
        bool, typer.Option("--back", help="Then make it the primary again: takes the promotion back.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen; exit 1 if refused.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the old primary a standby of the new one (pg_rewind, or a fresh copy); says which plan does it."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.ids import new_id
    from bonanca.recovery.operations.preview_rejoin import preview_rejoin
    from bonanca.recovery.operations.start_rejoin import start_rejoin

    actor, now = local_operator(), utc_now()
    if dry_run:
        found = preview_rejoin(service=service, actor=actor, now=now)
        emit(found, as_json=as_json, show=lambda: _show_rejoin(found, back=back))
        raise typer.Exit(1 if found.problems else 0)
    run = start_rejoin(service=service, actor=actor, now=now, key=f"rejoin:{service}:asked:{new_id()}", back=back)
    result = {"plan_id": run.id, "state": run.state}
    emit(result, as_json=as_json, show=lambda: say(f"plan {run.id}: bonanca plan show {run.id}"))


def _show_rejoin(found: RejoinPreview, *, back: bool) -> None:
    for problem in found.problems:
        say(f"refused: {problem}")
    if found.why:
        note(found.why)
    _show_plan(found.steps_back if back else found.steps, found.words_back if back else found.words)


def _amiss(row: ReplicationView) -> bool:
    return row.healthy is not True or row.lagging or row.holding or bool(row.orphans) or row.left_closed


def _with_left(row: ReplicationView) -> dict[str, object]:
    return {**vars(row), "kept_slots": row.kept_slots, "orphans": row.orphans, "left_closed": row.left_closed}


def _show_left(row: ReplicationView) -> None:
    for slot in row.kept_slots:
        why = "no plan needs it" if slot in row.orphans else "for the old primary's way back"
        say(
            f"{row.service}: a slot on the {slot.server} holds back {_mb(slot.held_bytes)} MB ({why}); drop it there by"
        )
        say(f"  {slot.command}")
    if row.left_closed:
        say(f"{row.service}: its database is closed and no plan works on it: retry, undo or start the promotion again")


def _row(row: ReplicationView) -> tuple[object, ...]:
    state = "unknown" if row.healthy is None else "follows" if row.healthy else "BROKEN"
    behind = f"{row.lag_s:.0f} s of {row.max_lag_s:.0f} s" if row.lag_s is not None else ""
    return (row.service, state, behind, _mb(row.lag_bytes), _mb(row.slot_bytes), row.error)


def _mb(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.1f}"


def _show(found: PromotionPreview) -> None:
    for problem in found.problems:
        say(f"refused: {problem}")
    if found.begun:
        note("the standby is a primary already, by a promotion that never ended: this ends it")
    if not found.primary_answers:
        note("the primary does not answer: needs --accept-loss")
    _show_plan(found.steps, found.undo)


def _show_plan(steps: tuple[StepSpec, ...], words: tuple[str, ...]) -> None:
    for number, step in enumerate(steps, start=1):
        say(f"  {number} {step.title}")
    for text in words:
        note(text)
