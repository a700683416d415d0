"""Gates: what must hold before a change may be deployed. Rooms above register theirs here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.signals.queries import deploy_status
from bonanca.signals.state import DeployStatus
from bonanca.ui.phrases import render


@dataclass(frozen=True)
class GateResult:
    """One gate's answer. `text` is an English message id whose named placeholders are in `facts`."""

    name: str
    passed: bool
    text: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        status = self.facts.get("status")
        # The value of a deploy status is for machines; people read its word.
        facts = {**self.facts, "status": DeployStatus(status).label} if status in DeployStatus.values else self.facts
        return render(self.text, facts)


@dataclass(frozen=True)
class Candidate:
    """What is to be judged: the service, the commit it would go to, and the commit that runs now."""

    service: ServiceView
    to_sha: str
    from_sha: str


Gate = Callable[[Candidate, datetime], GateResult]

_GATES: dict[str, Gate] = {}


def gate(name: str) -> Callable[[Gate], Gate]:
    """Register a gate under its name; the order of registration is the order on the page."""

    def register(function: Gate) -> Gate:
        _GATES[name] = function
        return function

    return register


def evaluate(candidate: Candidate, now: datetime) -> tuple[GateResult, ...]:
    """Ask every gate."""
    return tuple(function(candidate, now) for function in _GATES.values())


BUDGET_LEFT = gettext_noop("The error budget allows it: deploy status %(status)s")
BUDGET_FROZEN = gettext_noop("The error budget is spent: deploy status %(status)s")
PREVIOUS_KNOWN = gettext_noop("The version to go back to is known: %(sha)s")
FIRST_VERSION = gettext_noop("First deployment: there is nothing to go back to")


@gate("budget")
def error_budget(candidate: Candidate, now: datetime) -> GateResult:
    """Refuse in Freeze (requirement C14)."""
    status = deploy_status(candidate.service.slug, now).status
    frozen = status == "freeze"
    return GateResult("budget", not frozen, BUDGET_FROZEN if frozen else BUDGET_LEFT, {"status": status})


@gate("previous_version")
def previous_version(candidate: Candidate, now: datetime) -> GateResult:
    """A rollback needs somewhere to go; a first deployment has nothing to protect yet."""
    if not candidate.from_sha:
        return GateResult("previous_version", True, FIRST_VERSION)
    return GateResult("previous_version", True, PREVIOUS_KNOWN, {"sha": candidate.from_sha[:12]})
