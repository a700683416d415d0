"""A durable plan as JSON and back: what was previewed is what is started."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.ui.phrases import phrase_of, stored


def spec_to_json(spec: PlanSpec) -> dict[str, Any]:
    """Return the plan as JSON values."""
    data = asdict(spec)
    data["title"] = str(spec.title)
    return {**data, "title_phrase": stored(spec.title)}


def spec_from_json(data: dict[str, Any]) -> PlanSpec:
    """Return the plan that `spec_to_json` wrote."""
    title = phrase_of(data["title"], data.get("title_phrase"))
    known = {name: data[name] for name in ("kind", "subject", "context")}
    return PlanSpec(title=title, steps=tuple(StepSpec(**step) for step in data["steps"]), **known)
