"""Services that run as processes of this host, from the releases in their root."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bonanca.actuators.process import local
from bonanca.actuators.process.policy import HealthWatch, RestartPolicy
from bonanca.actuators.process.record import RUNNING
from bonanca.actuators.process.spec import Health, ProcessSpec, Replica
from bonanca.actuators.process.supervise import ensure_running
from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import StepSpec
from bonanca.running.state import ReplicaState
from bonanca.running.views import SeenReplica


class ProcessRunner:
    """`run.command`, once a replica."""

    def runs(self, service: ServiceView) -> bool:
        return service.run is not None and bool(service.run.command) and service.root is not None

    def restart(self, service: ServiceView, title: str, *, key: str, retry_for_s: float | None) -> StepSpec:
        spec = process_spec(service)
        patience = (spec.health.timeout_s if spec.health else 5.0) + spec.stop_timeout_s
        timeout_s = 30 + patience * len(spec.replicas)
        return StepSpec(key, "process.restart", spec.to_json(), title, timeout_s=timeout_s, retry_for_s=retry_for_s)

    def stop(self, service: ServiceView, title: str, *, drain_s: float) -> StepSpec:
        spec = replace(process_spec(service), stop_timeout_s=drain_s)
        return StepSpec("stop", "process.stop", spec.to_json(), title, timeout_s=50 + drain_s * len(spec.replicas))

    def release(self, service: ServiceView, sha: str, title: str, *, back: bool) -> StepSpec:
        # running_sha() has refused others.
        assert service.repository is not None
        assert service.root is not None
        params = {"repository": service.repository.path, "sha": sha, "root": str(service.root)}
        return StepSpec("code", "git.release", params, title, timeout_s=120)

    def task(self, service: ServiceView, sha: str, argv: tuple[str, ...], title: str, *, key: str) -> StepSpec:
        assert service.root is not None  # runs() needs it
        folder = service.root / "releases" / sha[:12]
        values = service.placeholders(release=folder)
        params = {
            "argv": [_fill(word, values) for word in argv],
            "cwd": str(folder),
            "env": dict(service.run.env) if service.run else {},
            "resource": service.slug,
        }
        return StepSpec(key, "command.run", params, title, timeout_s=600)

    def observe(self, service: ServiceView) -> tuple[SeenReplica, ...]:
        spec = process_spec(service)
        declared = {spec.name(replica) for replica in spec.replicas}
        return tuple(_seen(one) for one in local.status(spec.root) if one.name in declared)

    def keep(self, service: ServiceView, *, now: datetime) -> None:
        spec = process_spec(service)
        if spec.root.is_dir():
            ensure_running(spec, now=now, policy=restart_policy(service))


def process_spec(service: ServiceView) -> ProcessSpec:
    """Return how a service with a command and a root runs, for the process actuator."""
    assert service.run is not None
    assert service.root is not None
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


def _fill(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace("{" + name + "}", value)
    return word


def _seen(status: local.ReplicaStatus) -> SeenReplica:
    return SeenReplica(
        name=status.name,
        port=status.port,
        state=_state(status),
        release=Path(status.release).name if status.release else "",
        restarts=status.restarts,
        restarted_at=datetime.fromtimestamp(status.restarted_at, UTC) if status.restarted_at is not None else None,
        error=status.error,
    )


def _state(status: local.ReplicaStatus) -> ReplicaState:
    if status.wanted != RUNNING:
        return ReplicaState.STOPPED
    if status.gave_up_at is not None:
        return ReplicaState.GIVEN_UP
    return ReplicaState.RUNNING if status.running and not status.failures else ReplicaState.FAILING
