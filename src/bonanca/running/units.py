"""Services that systemd runs, on this host or on another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bonanca.actuators.process.spec import Health, Replica
from bonanca.actuators.systemd.spec import UnitSpec
from bonanca.actuators.systemd.supervise import SeenUnit, ensure_running, observe
from bonanca.actuators.systemd.units import UnitFailed
from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import StepSpec
from bonanca.kernel.errors import Unavailable
from bonanca.running.homes import ssh_host, ssh_params
from bonanca.running.processes import ProcessRunner, restart_policy
from bonanca.running.state import ReplicaState
from bonanca.running.views import SeenReplica

# A unit may take its own time to end; systemd's usual TimeoutStopSec, and something for the way.
_STOP_S = 95.0
_SEND_S = 900.0


class UnitRunner:
    """`run.systemd`, with `run.host` on another host."""

    def runs(self, service: ServiceView) -> bool:
        return service.run is not None and service.run.systemd is not None and service.root is not None

    def restart(self, service: ServiceView, title: str, *, key: str, retry_for_s: float | None) -> StepSpec:
        spec = unit_spec(service)
        return StepSpec(
            key, "systemd.restart", spec.to_json(), title, timeout_s=_patience_s(spec), retry_for_s=retry_for_s
        )

    def stop(self, service: ServiceView, title: str, *, drain_s: float) -> StepSpec:
        # How long its work may take to end is the unit's own to say, and so is `drain_s` of no use here.
        spec = unit_spec(service)
        return StepSpec("stop", "systemd.stop", spec.to_json(), title, timeout_s=60 + _STOP_S * len(spec.parts))

    def restart_on_undo(self, service: ServiceView, title: str, *, key: str) -> StepSpec:
        """The step that, undone after the code is back, starts the units from it."""
        spec = unit_spec(service)
        return StepSpec(key, "systemd.restart_on_undo", spec.to_json(), title, timeout_s=_patience_s(spec))

    def release(self, service: ServiceView, sha: str, title: str, *, back: bool) -> StepSpec:
        far = ssh_params(service)
        if far is None:
            return ProcessRunner().release(service, sha, title, back=back)
        # running_sha() has refused others.
        assert service.repository is not None
        params = {**far, "repository": service.repository.path, "sha": sha}
        return StepSpec("code", "ssh.release", params, title, timeout_s=_SEND_S)

    def task(self, service: ServiceView, sha: str, argv: tuple[str, ...], title: str, *, key: str) -> StepSpec:
        near = ProcessRunner().task(service, sha, argv, title, key=key)
        far = ssh_params(service)
        if far is None:
            return near
        return StepSpec(key, "ssh.run", {**near.params, **far}, title, timeout_s=near.timeout_s)

    def observe(self, service: ServiceView) -> tuple[SeenReplica, ...]:
        try:
            seen = observe(unit_spec(service))
        except UnitFailed as failed:
            raise Unavailable(f"{service.slug}: {failed}") from failed
        watched = service.run is not None and service.run.restart is not None
        return tuple(_seen(one, watched=watched) for one in seen if one.state.loaded)

    def keep(self, service: ServiceView, *, now: datetime) -> None:
        """Without `run.restart` it is systemd's own to start again what fails; it is only looked at then."""
        if service.run is None or service.run.restart is None:
            return
        try:
            ensure_running(unit_spec(service), restart_policy(service), now=now)
        except UnitFailed as failed:
            raise Unavailable(f"{service.slug}: {failed}") from failed


def unit_spec(service: ServiceView) -> UnitSpec:
    """Return how a service with `run.systemd` and a root runs, for the actuator."""
    assert service.run is not None
    assert service.run.systemd is not None
    assert service.root is not None
    declared, health = service.run.systemd, service.run.health
    return UnitSpec(
        service=service.slug,
        root=Path(service.root),
        unit=declared.unit,
        replicas=tuple(Replica(r.port, r.host) for r in service.run.replicas),
        user=declared.user,
        sudo=declared.sudo,
        health=Health(health.path, health.timeout_s) if health else None,
        host=ssh_host(service),
    )


def _patience_s(spec: UnitSpec) -> float:
    each = _STOP_S + (spec.health.timeout_s if spec.health else 5.0)
    return 60 + each * len(spec.parts)


def _seen(seen: SeenUnit, *, watched: bool) -> SeenReplica:
    state, record = seen.state, seen.record
    at = max(record.restarted, default=None)
    error = record.error if watched and record.failures else ""
    if not error and state.result not in ("", "success"):
        error = f"{state.sub}: {state.result}"
    return SeenReplica(
        name=state.unit,
        port=seen.part.replicas[0].port,
        state=_state(seen, watched=watched),
        release=(seen.release or "") if state.up else "",
        restarts=state.restarts + record.restarts,
        restarted_at=datetime.fromtimestamp(at, UTC) if at is not None else None,
        error=error or (record.error if record.gave_up_at is not None else ""),
    )


def _state(seen: SeenUnit, *, watched: bool) -> ReplicaState:
    state, record = seen.state, seen.record
    if seen.stopped:
        return ReplicaState.STOPPED
    if state.active == "active":
        return ReplicaState.FAILING if watched and record.failures else ReplicaState.RUNNING
    if state.active == "failed":
        # Nobody starts it again: systemd has given it up, and we do not watch or have given it up too.
        return ReplicaState.GIVEN_UP if not watched or record.gave_up_at is not None else ReplicaState.FAILING
    if state.active in ("inactive", "deactivating"):
        return ReplicaState.STOPPED
    return ReplicaState.FAILING
