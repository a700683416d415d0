"""How a service runs in containers, as a frozen value that fits into a plan's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bonanca.actuators.process.spec import Health, Replica

DEFAULT_ENDPOINT = "unix:///run/docker.sock"
# An image by its content: its id, or a name with the digest of its manifest. Anything else can move.
DIGEST = re.compile(r"(?:[a-z0-9][a-z0-9._:/-]{0,250}@)?sha256:[0-9a-f]{64}")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class BadSpec(ValueError):
    """The parameters do not describe a service in containers."""


@dataclass(frozen=True)
class Healthcheck:
    """A command that the daemon runs inside the container every `every_s` seconds.

    Healthy is an exit with 0 within `timeout_s`; `failures` others in a row, after the first `start_s` seconds, are
    unhealthy.
    """

    command: tuple[str, ...]
    every_s: float = 5.0
    timeout_s: float = 3.0
    failures: int = 3
    start_s: float = 0.0


@dataclass(frozen=True)
class DockerSpec:
    """A service in containers of one daemon: one container a replica.

    `image` names the content (see DIGEST), empty: that of the current release; `commit` is what it was built from.
    `root` (absolute) holds `containers/`, the records. With the network `host` a container listens on its replica's own
    port, which it is told in PORT and as {port} in `command`; in any other network it listens on `port`, published on
    the replica's address. An empty `command` is the image's own. `volumes` are host:container[:ro], `env_file` lines of
    NAME=value on this host, read when a container is made. `stop_timeout_s` is what a container may take to end after
    SIGTERM.
    """

    service: str
    root: Path
    image: str
    replicas: tuple[Replica, ...]
    endpoint: str = DEFAULT_ENDPOINT
    commit: str = ""
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    env_file: Path | None = None
    network: str = "host"
    port: int | None = None
    volumes: tuple[str, ...] = ()
    healthcheck: Healthcheck | None = None
    health: Health | None = None
    stop_timeout_s: float = 10.0
    registry_login: Path | None = None

    def name(self, replica: Replica) -> str:
        """The replica's name on this host; also that of its record."""
        return f"{self.service}-{replica.port}"

    def listens(self, replica: Replica) -> int:
        """The port on which the program inside the container listens."""
        return replica.port if self.network == "host" or self.port is None else self.port

    @property
    def patience_s(self) -> float:
        """How long a replica may take to become healthy."""
        if self.health is not None:
            return self.health.timeout_s
        check = self.healthcheck
        return 15.0 if check is None else check.start_s + (check.every_s + check.timeout_s) * (check.failures + 1)

    def but(self, **changes: Any) -> DockerSpec:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Parameters of a step; `from_json` is the inverse."""
        data = asdict(self)
        for name in ("root", "env_file", "registry_login"):
            data[name] = str(data[name]) if data[name] is not None else None
        return data | {"env": dict(self.env)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DockerSpec:
        """Read what `to_json` wrote; keys that other steps use are ignored.

        Raises:
            BadSpec: a part is missing or has the wrong shape, or the image is a name that can move.
        """
        try:
            spec = cls(
                service=str(data["service"]),
                root=Path(data["root"]),
                image=str(data["image"]),
                replicas=tuple(Replica(int(one["port"]), one.get("host") or "127.0.0.1") for one in data["replicas"]),
                endpoint=str(data.get("endpoint") or DEFAULT_ENDPOINT),
                commit=str(data.get("commit") or ""),
                command=tuple(str(word) for word in data.get("command") or ()),
                env={str(name): str(value) for name, value in (data.get("env") or {}).items()},
                env_file=Path(data["env_file"]) if data.get("env_file") else None,
                network=str(data.get("network") or "host"),
                port=int(data["port"]) if data.get("port") else None,
                volumes=tuple(str(volume) for volume in data.get("volumes") or ()),
                healthcheck=_healthcheck(data.get("healthcheck")),
                health=_health(data.get("health")),
                stop_timeout_s=float(data.get("stop_timeout_s") or 10.0),
                registry_login=Path(data["registry_login"]) if data.get("registry_login") else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadSpec(f"not a service in containers: {type(error).__name__} {error}") from error
        _refuse(spec)
        return spec


def _refuse(spec: DockerSpec) -> None:
    if not spec.root.is_absolute():
        raise BadSpec(f"{spec.root}: the root must be absolute, workers have different folders")
    if not _SERVICE.fullmatch(spec.service):
        raise BadSpec(f"“{spec.service}” cannot name a container")
    if spec.image and not DIGEST.fullmatch(spec.image):
        raise BadSpec(f"“{spec.image}” can move: a plan names an image by its digest")
    if not spec.replicas:
        raise BadSpec(f"{spec.service}: at least one replica is needed")


def _health(data: Mapping[str, Any] | None) -> Health | None:
    return Health(str(data.get("path") or "/"), float(data.get("timeout_s") or 15.0)) if data else None


def _healthcheck(data: Mapping[str, Any] | None) -> Healthcheck | None:
    if not data:
        return None
    usual = Healthcheck(())
    return Healthcheck(
        command=tuple(str(word) for word in data["command"]),
        every_s=float(data.get("every_s") or usual.every_s),
        timeout_s=float(data.get("timeout_s") or usual.timeout_s),
        failures=int(data.get("failures") or usual.failures),
        start_s=float(data.get("start_s") or 0.0),
    )
