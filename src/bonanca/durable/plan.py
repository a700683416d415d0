"""A plan is data: frozen steps that any worker of any later version can carry out.

Code never decides the shape of a running plan. What will happen is written down completely when the plan
starts, so an upgrade in the middle of a plan cannot change what a person approved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from bonanca.durable.hiding import hidden
from bonanca.kernel.errors import Invalid
from bonanca.ui.phrases import Words

MAX_STEPS = 200
MAX_SPEC_BYTES = 1_000_000
# A database server that is started again, or a machine that reboots its network, is back within this.
RETRY_FOR_S = 60.0


class InvalidPlan(Invalid):
    """The plan's data is not something that a worker could carry out."""


@dataclass(frozen=True)
class StepSpec:
    """One step: which kind of handler does it, with what parameters.

    ``key`` is unique in its plan and names the step for ever (idempotency keys contain it).
    ``timeout_s`` and ``expected_s`` are seconds; ``expected_s`` is what a person is shown to wait for.
    ``retry_for_s``: for how many seconds after its first failure it is tried again, when the failure may pass by
    itself; None is RETRY_FOR_S, 0 never.
    """

    key: str
    kind: str
    params: dict[str, Any] = field(default_factory=dict, metadata={"shown": hidden})
    title: str = ""
    timeout_s: float = 60.0
    expected_s: float | None = None
    retry_for_s: float | None = None


@dataclass(frozen=True)
class PlanSpec:
    """A whole plan. ``subject`` names what it acts on (``service:loja-api``).

    ``context`` is handed to every step and published with the plan's events; ``context["team"]`` is the team
    whose responders may retry, pause or cancel the plan (without it, only a commander may). Of the plans with the
    same ``exclusive`` at most one waits, runs or is paused: the database sees to that. An undo keeps it.
    """

    kind: str
    subject: str
    title: Words
    steps: tuple[StepSpec, ...]
    context: dict[str, Any] = field(default_factory=dict)
    exclusive: str = ""


def checked(spec: PlanSpec) -> PlanSpec:
    """Return a copy that shares nothing with the caller and is certain to survive JSON.

    Raises:
        InvalidPlan: no steps, a repeated key, a time-out that is not positive, or data that is not JSON.
    """
    if not spec.kind or not spec.steps:
        raise InvalidPlan(_("A plan needs a kind and at least one step."), field="steps")
    if len(spec.steps) > MAX_STEPS:
        raise InvalidPlan(_("A plan may have at most %(count)d steps.") % {"count": MAX_STEPS}, field="steps")
    seen: set[str] = set()
    for step in spec.steps:
        if not step.key or step.key in seen:
            raise InvalidPlan(_("Step key “%(key)s” is empty or used twice.") % {"key": step.key}, field="steps")
        if step.timeout_s <= 0:
            raise InvalidPlan(_("Step “%(key)s” needs a positive time-out.") % {"key": step.key}, field="timeout_s")
        if step.retry_for_s is not None and step.retry_for_s < 0:
            raise InvalidPlan(
                _("Step “%(key)s”: seconds to retry cannot be negative.") % {"key": step.key}, field="retry_for_s"
            )
        seen.add(step.key)
    return PlanSpec(
        kind=spec.kind,
        subject=spec.subject,
        title=spec.title,
        steps=tuple(replace(s, params=as_json(s.params, s.key), timeout_s=float(s.timeout_s)) for s in spec.steps),
        context=as_json(spec.context, "context"),
        exclusive=spec.exclusive,
    )


def as_json(value: dict[str, Any], where: str) -> dict[str, Any]:
    """``value`` as it will come back from the journal. Raises InvalidPlan when it is not a JSON object."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as problem:
        raise InvalidPlan(
            _("%(where)s: not JSON data: %(problem)s") % {"where": where, "problem": problem}, field=where
        ) from problem
    if len(text) > MAX_SPEC_BYTES:
        raise InvalidPlan(_("%(where)s: too large (%(size)d bytes).") % {"where": where, "size": len(text)})
    loaded = json.loads(text)
    if not isinstance(loaded, dict):
        raise InvalidPlan(_("%(where)s: expected a JSON object.") % {"where": where}, field=where)
    return loaded
