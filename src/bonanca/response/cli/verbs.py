"""The verbs that respond to an incident or ship a change: contain, uncontain, deploy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.response.cli._show import django, show_steps, started
from bonanca.ui.console import JsonOption, emit, print_json, table
from bonanca.ui.references import numbered

if TYPE_CHECKING:
    from bonanca.response.queries import ContainmentView

Change = Annotated[int, typer.Argument(parser=numbered("CHG"), metavar="CHG", help="The change: 7 or CHG-7.")]
Incident = Annotated[int, typer.Argument(parser=numbered("INC"), metavar="INC", help="The incident: 42 or INC-42.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show its steps until it ends; exit 1 when it failed.")]


def register(root: typer.Typer) -> None:
    """Add verbs to the groups of the rooms below, which know nothing of containments and plans."""
    groups = {group.name: group.typer_instance for group in root.registered_groups}
    added: dict[str, tuple[Callable[..., None], ...]] = {
        "incident": (contain, uncontain),
        "change": (preview, deploy),
    }
    for group, verbs in added.items():
        below = groups[group]
        assert below is not None  # build() adds groups by their instance
        for verb in verbs:
            below.command(verb.__name__)(verb)


def contain(
    number: Incident,
    path: Annotated[str, typer.Argument(help="The path to take out, such as /checkout.")] = "",
    maintenance: Annotated[
        bool, typer.Option("--maintenance", help="A maintenance page for the whole service instead of a path.")
    ] = False,
    redirect: Annotated[
        bool, typer.Option("--redirect", help="Send all requests to the redundant site (`gateway.standby`).")
    ] = False,
    weights: Annotated[
        str, typer.Option(help="Share requests out: 'replicas=90 standby=10', or ports: '8001=3 8002=1'.")
    ] = "",
    breaker: Annotated[
        int, typer.Option(min=0, max=99, help="A circuit breaker on the path, or on the whole; percent of failures.")
    ] = 0,
    reason: Annotated[str, typer.Option(help="Why; shown on the timeline.")] = "",
    minutes: Annotated[float, typer.Option(min=0, help="It ends by itself after so long.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """Stop the damage from spreading, at the gateway: a polite page, the redundant site, weights or a breaker."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.contain import contain as apply

    done = apply(
        incident_id=by_number(number).id,
        action=_action(maintenance=maintenance, redirect=redirect, weights=weights, breaker=breaker),
        match=path,
        expires_in_s=round(minutes * 60),
        reason=reason,
        weights=weights,
        threshold_percent=breaker,
        actor=local_operator(),
        now=utc_now(),
    )
    if as_json:
        print_json(done)
        return
    typer.echo(f"{_what(done)} is contained until {done.expires_at:%H:%M:%S} UTC; to end it sooner:")
    typer.echo(f"  bonanca incident uncontain {number}")


def uncontain(
    number: Incident,
    containment: Annotated[
        UUID | None, typer.Option("--only", help="Only this containment (its id); without it, all that are active.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let requests through again: lift the incident's active containments."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.errors import NotFound
    from bonanca.response.operations.undo_containment import undo_containment
    from bonanca.response.queries import containments_of

    incident = by_number(number)
    of_it = [c for c in containments_of(incident.id) if containment is None or c.id == containment]
    active = [c for c in of_it if c.is_active]
    if not active and not (containment and of_it):
        raise NotFound(f"{incident.label} has no {'such' if containment else 'active'} containment.")
    lifted = [undo_containment(c.id, actor=local_operator(), now=utc_now()) for c in active or of_it]
    emit(lifted, as_json=as_json, show=lambda: typer.echo("\n".join(f"{_what(c)} is open again" for c in lifted)))


def preview(number: Change, as_json: JsonOption = False) -> None:
    """Say what deploying a change would do, and what each way of pinning the data costs. Nothing is written."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.delivery.queries import by_number
    from bonanca.response.operations.draw_up_deployment import draw_up_deployment

    draft = draw_up_deployment(by_number(number).id, actor=local_operator())
    if as_json:
        print_json({"change": draft.change.number, "steps": draft.steps, "pins": draft.pins})
        return
    typer.echo(f"{draft.change.title}\n  {draft.change.label}; nothing was written\n")
    show_steps(draft.steps)
    if draft.pins:
        typer.echo("\nWays of pinning the data before it (* is declared), as measured here the last time:")
        rows = [
            (
                f"{'*' if pin.declared else ' '} {pin.kind}",
                *(_seconds(value) for value in (pin.held_s, pin.took_s, pin.back_s)),
                "-" if pin.size_bytes is None else f"{pin.size_bytes / 1e6:.0f} MB",
                pin.why_not or ("the file system shares blocks" if pin.shares_blocks else ""),
            )
            for pin in draft.pins
        ]
        table(("pin", "writes wait", "takes", "data back in", "keeps", ""), rows)


def _seconds(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f} s"


def deploy(
    number: Change,
    override: Annotated[str, typer.Option(help="Go through a closed gate; the reason is kept with the change.")] = "",
    wait: Wait = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the gates now, and start the deployment. The state before it is pinned."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.delivery.queries import by_number
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.start_deployment import GateClosed, start_deployment

    change_id = by_number(number).id
    try:
        plan = start_deployment(change_id, override_reason=override, actor=local_operator(), now=utc_now())
    except GateClosed as closed:
        closed.hint = "To go through all the same: --override REASON."
        raise
    started(plan, wait=wait, as_json=as_json)


def _action(*, maintenance: bool, redirect: bool, weights: str, breaker: int) -> str:
    asked = {"maintenance": maintenance, "redirect": redirect, "weights": bool(weights), "breaker": bool(breaker)}
    chosen = [name for name, wanted in asked.items() if wanted]
    if len(chosen) > 1:
        raise typer.BadParameter(f"one measure at a time: {' or '.join('--' + name for name in chosen)}")
    return chosen[0] if chosen else "disable"


def _what(containment: ContainmentView) -> str:
    return containment.match or f"the whole of {containment.service}"
