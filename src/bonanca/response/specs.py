"""A durable plan as JSON and back: what was previewed is what is started."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.ui.phrases import Words


def spec_to_json(spec: PlanSpec) -> dict[str, Any]:
    """Return the plan as JSON values, its title as plain words: the proposed plan keeps the phrase of it.

    What has its default is left out where the previous release does not know it: it may approve what this one proposed.
    """
    data = {**asdict(spec), "title": str(spec.title)}
    if not spec.exclusive:
        del data["exclusive"]
    for step in data["steps"]:
        if step["retry_for_s"] is None:
            del step["retry_for_s"]
    return data


def spec_from_json(data: dict[str, Any], *, title: Words) -> PlanSpec:
    """Return the plan that `spec_to_json` wrote, under the title that the proposed plan has."""
    steps = tuple(StepSpec(**step) for step in data["steps"])
    return PlanSpec(**{**data, "title": title, "steps": steps})
