"""What deployment and rollback plans have in common: a service's parts as steps."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.process.policy import HealthWatch, RestartPolicy
from bonanca.actuators.process.spec import Health, ProcessSpec, Replica
from bonanca.catalog.spec import RollbackSpec, ServiceView, VerifySpec
from bonanca.durable import queries as durable
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.state import RunState
from bonanca.kernel.errors import Invalid
from bonanca.response.verification import in_order

# Seconds that a step is said to take before it has ever run here.
GUESS_S: dict[str, float] = {
    "recovery.pin": 2.0,
    "git.release": 0.5,
    "command.run": 3.0,
    "files.write": 0.1,
    "process.restart": 6.0,
    "process.stop": 2.0,
    "response.verify": 1.0,
    "response.preflight": 0.5,
    "response.watch": 10.0,
    "response.lift_containments": 0.5,
    "response.announce": 0.1,
    "response.criteria": 0.5,
    "response.work": 2.0,
    "gateway.maintenance": 0.5,
    "gateway.open": 0.5,
    "recovery.prepare_restore": 2.0,
    "recovery.restore_pin": 0.5,
    "recovery.set_aside": 0.5,
    "recovery.restore_config": 0.1,
    "recovery.reapply_rows": 2.0,
}

MAINTENANCE_WORDS = gettext_noop("We are putting things back in order. It will not take long.")


def process_spec(service: ServiceView) -> ProcessSpec:
    """Return how the service runs, for the process actuator.

    Raises:
        Invalid: the service declares no `run` with a command, or no `root`.
    """
    if service.run is None or not service.run.command or service.root is None:
        raise Invalid(
            _("%(service)s declares no `run.command` and `root`: Bonança cannot start or stop it.")
            % {"service": service.slug},
            field="service",
        )
    health = service.run.health
    return ProcessSpec(
        service=service.slug,
        root=service.root,
        command=service.run.command,
        replicas=tuple(Replica(r.port, r.host) for r in service.run.replicas),
        config=service.config.file if service.config else None,
        python=service.run.python,
        env=dict(service.run.env),
        health=Health(health.path, health.timeout_s) if health else None,
    )


def restart_policy(service: ServiceView) -> RestartPolicy:
    """Return when the service's replicas are started again by themselves; undeclared, only after a crash."""
    declared = service.run.restart if service.run else None
    if declared is None:
        return RestartPolicy()
    watch = HealthWatch(declared.check_every_s, declared.failures, declared.check_timeout_s)
    return RestartPolicy(
        declared.max, declared.window_s, declared.backoff_s, declared.backoff_max_s, watch if watch.failures else None
    )


def restart(service: ServiceView, title: str, *, key: str = "restart", retry_for_s: float | None = None) -> StepSpec:
    """Return the step that restarts every replica in turn; `retry_for_s` as in StepSpec."""
    spec = process_spec(service)
    patience = (spec.health.timeout_s if spec.health else 5.0) + spec.stop_timeout_s
    timeout_s = 30 + patience * len(spec.replicas)
    return StepSpec(key, "process.restart", spec.to_json(), title, timeout_s=timeout_s, retry_for_s=retry_for_s)


def stop(service: ServiceView, title: str, *, drain_s: float = 10.0) -> StepSpec:
    """Return the step that lets every replica finish its work within `drain_s` seconds and end."""
    spec = replace(process_spec(service), stop_timeout_s=drain_s)
    return StepSpec("stop", "process.stop", spec.to_json(), title, timeout_s=50 + drain_s * len(spec.replicas))


def work(
    service: ServiceView, key: str, command: tuple[str, ...], back: tuple[str, ...], title: str
) -> StepSpec | None:
    """Return the step that holds the service's background work or lets it go on; None when that is not declared."""
    if not command:
        return None
    params = {"service": service.slug, "command": list(command), "back": list(back)}
    return StepSpec(key, "response.work", params, title, timeout_s=600)


def announce(service: ServiceView, moment: str, title: str, *, key: str) -> StepSpec | None:
    """Return the step that tells the people concerned; None when the service wants nobody told."""
    to = list((service.rollback or RollbackSpec()).announce)
    if not to:
        return None
    params = {"service": service.slug, "to": to, "moment": moment}
    return StepSpec(key, "response.announce", params, title, timeout_s=30)


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


def release(service: ServiceView, sha: str, title: str) -> StepSpec:
    """Return the step that makes a commit the current release."""
    # running_sha() has refused others.
    assert service.repository is not None
    assert service.root is not None
    params = {"repository": service.repository.path, "sha": sha, "root": str(service.root)}
    return StepSpec("code", "git.release", params, title, timeout_s=120)


def with_expected_times(spec: PlanSpec) -> PlanSpec:
    """Return the plan with each step's expected seconds: as in the last such run, else a guess."""
    measured: dict[str, float] = {}
    for run in durable.list_runs(subject=spec.subject, kind=spec.kind, states=[RunState.SUCCEEDED], limit=1):
        for done in run.steps:
            if done.started_at and done.finished_at:
                measured[done.key] = round((done.finished_at - done.started_at).total_seconds(), 2)
    steps = tuple(replace(s, expected_s=s.expected_s or measured.get(s.key, GUESS_S.get(s.kind))) for s in spec.steps)
    return replace(spec, steps=steps)
