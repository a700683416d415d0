"""What a rollback would do, before anybody approves it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext_noop

from bonanca.actuators.files.held import read_followed
from bonanca.catalog.spec import RollbackSpec, ServiceView
from bonanca.delivery.queries import ChangeView, running_sha
from bonanca.durable.hiding import without_secrets
from bonanca.durable.plan import PlanSpec
from bonanca.incidents.queries import IncidentView
from bonanca.recovery.queries import pinned_configuration
from bonanca.recovery.views import PinView
from bonanca.recovery.views import TableAtRisk as Counted
from bonanca.response.compilers.strategies import Strategy
from bonanca.response.criteria.measure import Case, measure
from bonanca.response.preflight import rollback_checks
from bonanca.response.views import CheckResult, Preview, StepPreview, TableAtRisk
from bonanca.running.homes import read_far, ssh_host

ROWS_SHOWN = 5
REPLAY_DECLARED = gettext_noop("Rows written since the pin are set aside and applied again")
NO_REPLAY = gettext_noop("Rows written since the pin are set aside for a decision: the service declares no replay")


@dataclass(frozen=True)
class Ground:
    """What a rollback is about: which change it takes back, for which incident, and why."""

    change: ChangeView
    incident: IncidentView | None
    reason: str


def preview_rollback(
    service: ServiceView, pin: PinView, spec: PlanSpec, strategy: Strategy, ground: Ground, *, now: datetime
) -> Preview:
    """Measure what would change: code, configuration, rows. Reads only."""
    tables = shown_tables(strategy.at_risk(service, pin, now) if service.database else ())
    policy = (service.rollback or RollbackSpec()).approval
    checks = list(rollback_checks(service, pin.id, strategy.name))
    if tables:
        checks.append(CheckResult(True, REPLAY_DECLARED if service.replay else NO_REPLAY, warns=not service.replay))
    shown = Preview(
        code_from=running_sha(service),
        code_to=pin.release_sha,
        config_diff=_configuration_diff(service, pin),
        pinned_at=strategy.goes_to(service, pin) if strategy.goes_to and service.database else pin.taken_at,
        rows_at_risk=tables,
        checks=tuple(checks),
        steps=steps_of(spec),
        strategy=strategy.name,
        reason=ground.reason,
        criteria=measure(Case(service, ground.change, ground.incident, tables), now),
    )
    return replace(shown, four_eyes=four_eyes_of(policy, shown))


def shown_tables(found: Iterable[Counted]) -> tuple[TableAtRisk, ...]:
    """Return the counted tables as a preview shows and stores them."""
    return tuple(
        TableAtRisk(t.table, t.written_since, t.changed, tuple(_plain(row) for row in t.sample[:ROWS_SHOWN]), t.problem)
        for t in found
    )


def four_eyes_of(policy: str, shown: Preview) -> str:
    """Return why two people have to agree; nothing when one commander is enough."""
    if policy == "always":
        return "policy"
    return "rows" if policy == "at_risk" and shown.rows_may_be_lost else ""


def steps_of(spec: PlanSpec) -> tuple[StepPreview, ...]:
    """Return the plan's steps as announced."""
    return tuple(StepPreview(s.key, s.kind, s.title, s.expected_s) for s in spec.steps)


def to_json(preview: Preview) -> dict[str, Any]:
    """Return what is stored with the proposed plan."""
    data = asdict(preview)
    data["pinned_at"] = preview.pinned_at.isoformat() if preview.pinned_at else None
    return data


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with every value as JSON has it; what JSON has not becomes text."""
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    try:
        return DjangoJSONEncoder().default(value)
    except TypeError:
        return str(value)


def _configuration_diff(service: ServiceView, pin: PinView) -> str:
    if service.config is None:
        return ""
    before = _configuration(service, service.config.file)
    after = pinned_configuration(pin.id).decode("utf-8", "replace")
    name = service.config.file.name
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (pin)", lineterm="", n=2)
    # Everybody who sees the plan reads this.
    return "\n".join(map(without_secrets, lines))


def _configuration(service: ServiceView, file: Path) -> str:
    if ssh_host(service) is None:
        here = read_followed(file)
        return here.data.decode("utf-8", "replace") if here is not None else ""
    found = read_far(service, file)
    return found.data.decode("utf-8", "replace") if found is not None else ""
