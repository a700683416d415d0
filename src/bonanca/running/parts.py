"""A service's parts as steps: what deployments, rollbacks, restores and promotions have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView, VerifySpec
from bonanca.durable.plan import StepSpec
from bonanca.running.homes import ssh_params
from bonanca.running.runners import runner_for, runner_of
from bonanca.running.units import UnitRunner

MAINTENANCE_WORDS = gettext_noop("We are putting things back in order. It will not take long.")

# What no plan waits longer for: the page that says "back soon" must not stay for ever when nobody opens again.
MAINTENANCE_MAX_S = 1800


def runs(service: ServiceView) -> bool:
    """Whether Bonança starts and stops the service; otherwise it only routes and checks."""
    return runner_for(service) is not None


def restart(service: ServiceView, title: str, *, key: str = "restart", retry_for_s: float | None = None) -> StepSpec:
    """Return the step that restarts every replica in turn; `retry_for_s` as in StepSpec.

    Raises:
        Invalid: Bonança does not run this service.
    """
    return runner_of(service).restart(service, title, key=key, retry_for_s=retry_for_s)


def stop(service: ServiceView, title: str, *, drain_s: float = 10.0) -> StepSpec:
    """Return the step that lets every replica finish its work within `drain_s` seconds and end.

    Raises:
        Invalid: Bonança does not run this service.
    """
    return runner_of(service).stop(service, title, drain_s=drain_s)


def release(service: ServiceView, sha: str, title: str, *, back: bool = False) -> StepSpec:
    """Return the step that makes a commit the current release; `back` says that it is to be what ran before.

    Raises:
        Invalid: Bonança does not run this service.
    """
    return runner_of(service).release(service, sha, title, back=back)


def migrate(service: ServiceView, sha: str, title: str) -> StepSpec | None:
    """Return the step that runs the migration of a commit, or None when the service declares none.

    Raises:
        Invalid: Bonança does not run this service.
    """
    if not service.migrate:
        return None
    return runner_of(service).task(service, sha, service.migrate, title, key="migrate")


def configure(service: ServiceView, content: str, title: str) -> StepSpec | None:
    """Return the step that writes the service's configuration file; None when it declares none."""
    if service.config is None:
        return None
    params = {"path": str(service.config.file), "content": content, **(ssh_params(service) or {})}
    kind = "files.write" if ssh_params(service) is None else "ssh.write"
    return StepSpec("configuration", kind, params, title, timeout_s=10 if kind == "files.write" else 60)


def ready_to_return(service: ServiceView, title: str) -> StepSpec | None:
    """Return the step before a change whose undo, the last of all, starts again what runs from `current` alone."""
    runner = runner_for(service)
    if not isinstance(runner, UnitRunner):
        return None
    return runner.restart_on_undo(service, title, key="ready")


def close(service: ServiceView, title: str) -> StepSpec | None:
    """Return the step that shows the maintenance page; None when no gateway of ours is before the service."""
    words = {"message": MAINTENANCE_WORDS, "retry_after_s": 15, "max_s": MAINTENANCE_MAX_S}
    return _gateway(service, "maintenance", "gateway.maintenance", title, words)


def reopen(service: ServiceView, title: str) -> StepSpec | None:
    """Return the step that takes the maintenance page of `close` away again."""
    return _gateway(service, "open", "gateway.open", title, {"step": "maintenance"})


def verify(
    service: ServiceView, title: str, *, more: tuple[VerifySpec, ...] = (), affected: tuple[str, ...] = ()
) -> StepSpec | None:
    """Return the step that asks the service from outside, or None when nothing is declared.

    `more` are checks beside the service's own; those of `affected` paths are asked first.
    """
    checks = in_order((*service.verify, *more), affected)
    if not checks or service.run is None:
        return None
    params: dict[str, Any] = {
        "service": service.slug,
        "checks": [asdict(check) for check in checks],
        "replicas": [replica.url for replica in service.run.replicas],
    }
    patience_s = 60 + sum(check.timeout_s for check in checks if check.command)
    return StepSpec("verify", "response.verify", params, title, timeout_s=patience_s)


def in_order(checks: Iterable[VerifySpec], affected: Iterable[str]) -> tuple[VerifySpec, ...]:
    """Return the checks, those of what was hit first, then the quick ones, then programs.

    `affected` are path prefixes that failed or were taken out; without any, checks that name a function at all go
    before those that name none.
    """
    hit = tuple(affected)

    def rank(check: VerifySpec) -> tuple[int, bool]:
        if any(_overlap(one, other) for one in check.affects for other in hit):
            return 0, bool(check.command)
        return 1 if check.affects and not hit else 2, bool(check.command)

    return tuple(sorted(checks, key=rank))


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _gateway(service: ServiceView, key: str, kind: str, title: str, more: dict[str, Any]) -> StepSpec | None:
    if service.gateway is None:
        return None
    params = {"gateway": service.gateway.name, "service": service.slug, **more}
    return StepSpec(key, kind, params, title, timeout_s=30)
