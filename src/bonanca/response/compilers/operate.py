"""Compile what a person asks of a running service: start or restart it, stop it."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.response.compilers.around import GUESS_S
from bonanca.response.state import PlanKind
from bonanca.running import parts
from bonanca.running.times import with_expected_times
from bonanca.ui.phrases import Words

RESTART = gettext_noop("Restart, one replica after the other")
VERIFY = gettext_noop("Check from outside that it works")
STOP = gettext_noop("Let running work finish and stop")


def compile_operation(service: ServiceView, kind: PlanKind, *, title: Words, plan_id: str) -> PlanSpec:
    """Return the frozen plan. Its undo starts again what was stopped, from the release that ran.

    Raises:
        Invalid: Bonança does not run this service.
    """
    steps: list[StepSpec | None] = (
        [parts.stop(service, STOP)]
        if kind == PlanKind.STOP
        else [parts.restart(service, RESTART), parts.verify(service, VERIFY)]
    )
    context = {"team": service.team_slug, "plan_id": plan_id}
    spec = PlanSpec(kind, f"service:{service.slug}", title, tuple(s for s in steps if s is not None), context)
    return with_expected_times(spec, GUESS_S)
