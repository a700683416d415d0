"""What runs a service, chosen from what it declares."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from django.utils.translation import gettext as _

from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import StepSpec
from bonanca.kernel.errors import Invalid
from bonanca.running.containers import DockerRunner
from bonanca.running.processes import ProcessRunner
from bonanca.running.units import UnitRunner
from bonanca.running.views import SeenReplica


class Runner(Protocol):
    """One way of running services. Its steps are idempotent under their key, with receipt, verify and undo."""

    def runs(self, service: ServiceView) -> bool:
        """Whether the service declares to be run this way, with all that it needs."""

    def restart(self, service: ServiceView, title: str, *, key: str, retry_for_s: float | None) -> StepSpec:
        """The step that starts every replica anew, in turn, from the current release."""

    def stop(self, service: ServiceView, title: str, *, drain_s: float) -> StepSpec:
        """The step that lets every replica finish its work within `drain_s` seconds and end."""

    def release(self, service: ServiceView, sha: str, title: str, *, back: bool) -> StepSpec:
        """The step that makes a commit the current release, without starting anything; `back`: it ran before."""

    def task(self, service: ServiceView, sha: str, argv: tuple[str, ...], title: str, *, key: str) -> StepSpec:
        """The step that runs one command of the service's own, such as its migration, in the release of a commit."""

    def observe(self, service: ServiceView) -> tuple[SeenReplica, ...]:
        """The declared replicas that were ever started, as they are now."""

    def keep(self, service: ServiceView, *, now: datetime) -> None:
        """Start again what crashed or hangs, within the declared limit (requirement Y2)."""


# In the order in which they are asked: the first that a service declares has it.
RUNNERS: tuple[Runner, ...] = (UnitRunner(), DockerRunner(), ProcessRunner())


def runner_for(service: ServiceView) -> Runner | None:
    """Return what runs the service; None when something else than Bonança does."""
    return next((runner for runner in RUNNERS if runner.runs(service)), None)


def runner_of(service: ServiceView) -> Runner:
    """Return what runs the service.

    Raises:
        Invalid: the service declares no `run` with a command, a unit or containers, or no `root`.
    """
    found = runner_for(service)
    if found is None:
        raise Invalid(
            _(
                "%(service)s declares no `run.command`, `run.systemd` or `run.docker`, or no `root`: "
                "Bonança cannot start or stop it."
            )
            % {"service": service.slug},
            field="service",
        )
    return found
