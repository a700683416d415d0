"""A durable plan as JSON and back: what was previewed is what is started."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bonanca.durable.plan import PlanSpec, StepSpec


def spec_to_json(spec: PlanSpec) -> dict[str, Any]:
    """Return the plan as JSON values."""
    return asdict(spec)


def spec_from_json(data: dict[str, Any]) -> PlanSpec:
    """Return the plan that `spec_to_json` wrote."""
    return PlanSpec(**{**data, "steps": tuple(StepSpec(**step) for step in data["steps"])})
