"""Compile what a person asks of a running service: start or restart it, stop it, divide its requests."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.kernel.errors import Invalid
from bonanca.response.compilers.around import GUESS_S
from bonanca.response.measures import shares_of
from bonanca.response.state import PlanKind
from bonanca.running import parts
from bonanca.running.times import with_expected_times
from bonanca.ui.phrases import Words

RESTART = gettext_noop("Restart, one replica after the other")
VERIFY = gettext_noop("Check from outside that it works")
STOP = gettext_noop("Let running work finish and stop")
SHARE = gettext_noop("Share requests out by weight at the gateway")


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


def compile_shift(service: ServiceView, weights: str, *, for_s: float, title: Words, plan_id: str) -> PlanSpec:
    """Return the frozen plan that divides the service's requests by `weights` for `for_s` seconds at most.

    Raises:
        Invalid: the service is behind no gateway, or the weights do not fit it.
    """
    if service.gateway is None:
        raise Invalid(
            _("%(service)s is behind no gateway: its requests cannot be shared out from here.")
            % {"service": service.slug},
            field="service",
        )
    shares = [
        {"weight": share.weight, "backends": [b.url for b in share.backends]} for share in shares_of(service, weights)
    ]
    params = {"gateway": service.gateway.name, "service": service.slug, "shares": shares, "max_s": for_s}
    step = StepSpec("weights", "gateway.weights", params, SHARE, timeout_s=60)
    context = {"team": service.team_slug, "plan_id": plan_id}
    return with_expected_times(PlanSpec(PlanKind.TRAFFIC, f"service:{service.slug}", title, (step,), context), GUESS_S)
