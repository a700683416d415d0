"""What a plan does around the service: it tells people, and holds the service's background work."""

from __future__ import annotations

from typing import Final

from bonanca.catalog.spec import RollbackSpec, ServiceView
from bonanca.durable.plan import StepSpec

# Seconds that a step is said to take before it has ever run here.
GUESS_S: Final[dict[str, float]] = {
    "recovery.pin": 2.0,
    "response.preflight": 0.5,
    "response.watch": 10.0,
    "response.lift_containments": 0.5,
    "response.announce": 0.1,
    "response.criteria": 0.5,
    "response.work": 2.0,
    "recovery.prepare_restore": 2.0,
    "recovery.restore_load": 15.0,
    "recovery.restore_check": 2.0,
    "recovery.restore_place": 0.5,
    "recovery.restore_pin": 0.5,
    "recovery.set_aside": 0.5,
    "recovery.restore_config": 0.1,
    "recovery.reapply_rows": 2.0,
}
# Of a step that is taken back, where that is another matter than doing it: nothing is watched, weighed or loaded.
UNDO_GUESS_S: Final[dict[str, float]] = {
    **GUESS_S,
    "response.watch": 0.1,
    "response.criteria": 0.1,
    "response.preflight": 0.1,
    "recovery.prepare_restore": 0.1,
    "recovery.restore_load": 0.5,
    "recovery.restore_check": 0.1,
    "recovery.reapply_rows": 0.1,
}


def work(
    service: ServiceView, key: str, command: tuple[str, ...], back: tuple[str, ...], title: str
) -> StepSpec | None:
    """Return the step that holds the service's background work or lets it go on; None when that is not declared."""
    if not command:
        return None
    params = {"service": service.slug, "command": list(command), "back": list(back)}
    return StepSpec(key, "response.work", params, title, timeout_s=600)


def announce(service: ServiceView, moment: str, title: str, *, key: str) -> StepSpec | None:
    """Return the step that tells the people concerned; None when the service wants nobody told."""
    to = list((service.rollback or RollbackSpec()).announce)
    if not to:
        return None
    params = {"service": service.slug, "to": to, "moment": moment}
    return StepSpec(key, "response.announce", params, title, timeout_s=30)
