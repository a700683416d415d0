"""How a service's replicas are, asked of whatever runs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bonanca.actuators.process import local
from bonanca.actuators.process.record import RUNNING
from bonanca.catalog.spec import ServiceView
from bonanca.response.compilers.parts import process_spec
from bonanca.response.state import ReplicaState


@dataclass(frozen=True)
class SeenReplica:
    """One replica at this moment."""

    name: str
    port: int
    state: ReplicaState
    release: str = ""
    restarts: int = 0
    restarted_at: datetime | None = None
    error: str = ""


def observe(service: ServiceView) -> tuple[SeenReplica, ...]:
    """The declared replicas that were ever started, as the process actuator of this host knows them."""
    spec = process_spec(service)
    declared = {spec.name(replica) for replica in spec.replicas}
    return tuple(_seen(one) for one in local.status(spec.root) if one.name in declared)


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
