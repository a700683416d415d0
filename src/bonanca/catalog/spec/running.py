"""How a service runs, where it is reached, and what asks it whether it works."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bonanca.catalog.spec.containers import DockerRunSpec
from bonanca.catalog.spec.hosts import HostSpec, UnitsSpec
from bonanca.catalog.spec.supervision import RestartSpec

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class RouteSpec:
    """Requests that the gateway sends to the service. `host` None means every host."""

    path_prefix: str = "/"
    host: str | None = None


@dataclass(frozen=True)
class GatewaySpec:
    """The gateway (by name) in front of a service, what it routes there, and the addresses of its redundant site."""

    name: str
    routes: tuple[RouteSpec, ...]
    standby: tuple[str, ...] = ()


@dataclass(frozen=True)
class RepositorySpec:
    """A git repository: `path` is absolute, or an address with a scheme."""

    path: str
    branch: str = "main"


@dataclass(frozen=True)
class ReplicaSpec:
    """One process of a service, by the address where it listens."""

    port: int
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """Base address for the gateway and for checks, without a trailing slash."""
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class HealthSpec:
    """Where a replica tells whether it is well; a start that is not healthy within `timeout_s` seconds has failed."""

    path: str = "/"
    timeout_s: float = 15.0


@dataclass(frozen=True)
class RunSpec:
    """How a service runs. Without `command`, `systemd` or `docker` something else does: it is only routed and checked.

    With `host` the service's root, configuration file and commands are on that host.
    """

    command: tuple[str, ...]
    replicas: tuple[ReplicaSpec, ...]
    health: HealthSpec | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None
    restart: RestartSpec | None = None
    systemd: UnitsSpec | None = None
    host: HostSpec | None = None
    docker: DockerRunSpec | None = None


@dataclass(frozen=True)
class ConfigSpec:
    """The configuration file of a service and the file of its repository it is copied from at a release."""

    file: Path
    source: str | None = None


@dataclass(frozen=True)
class VerifySpec:
    """One check from outside, of one of four kinds.

    `http` is a path that every replica is asked for (with `expect_status` and `contains`), `sql` a query (`equals` or
    `at_least`), `tcp` a host:port that has to answer, `command` the team's own program (its test suite), run in the
    folder of the running release and successful when it exits with 0 within `timeout_s` seconds. `affects` are path
    prefixes of functions: checks of what an incident has hit are asked first.
    """

    name: str
    http: str | None = None
    expect_status: int = 200
    contains: str | None = None
    sql: str | None = None
    equals: Scalar = None
    at_least: float | None = None
    tcp: str | None = None
    command: tuple[str, ...] = ()
    timeout_s: float = 60.0
    affects: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatusPageSpec:
    """The name under which customers know the service."""

    component: str
