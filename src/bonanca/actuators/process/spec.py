"""How a service runs, as a frozen value that fits into a plan's parameters."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_PLACEHOLDER = re.compile(r"\{(python|port|config|release)\}")


class BadSpec(ValueError):
    """The parameters do not describe a process."""


@dataclass(frozen=True)
class Replica:
    """One process of a service, by the address where it listens."""

    port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class Health:
    """Healthy is a 2xx answer to GET `path` within `timeout_s` seconds of the start."""

    path: str = "/health"
    timeout_s: float = 15.0


@dataclass(frozen=True)
class ProcessSpec:
    """A service of this host.

    `root` (absolute) holds `current`, `releases/`, `run/` and `log/`. In `command`, {python}, {port}, {config} and
    {release} are filled for each replica. Without `health` a replica counts as started when its process lives.
    `stop_timeout_s` is what a process may take to end after SIGTERM before its session is killed.
    """

    service: str
    root: Path
    command: tuple[str, ...]
    replicas: tuple[Replica, ...]
    config: Path | None = None
    python: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    health: Health | None = None
    stop_timeout_s: float = 10.0

    def name(self, replica: Replica) -> str:
        """The replica's name on this host; also that of its record and its log."""
        return f"{self.service}-{replica.port}"

    def argv(self, replica: Replica, release: Path) -> list[str]:
        """The command of one replica.

        Raises:
            BadSpec: the command uses {config} and the service declares no configuration file.
        """
        values = {"python": self.python or sys.executable, "port": str(replica.port), "release": str(release)}
        if self.config is not None:
            values["config"] = str(self.config)

        def fill(match: re.Match[str]) -> str:
            if match[1] not in values:
                raise BadSpec(f"{self.service}: the command uses {match[0]} and none is declared")
            return values[match[1]]

        return [_PLACEHOLDER.sub(fill, word) for word in self.command]

    def to_json(self) -> dict[str, Any]:
        """Parameters of a step; `from_json` is the inverse."""
        data = asdict(self)
        data.update(root=str(self.root), config=str(self.config) if self.config else None, env=dict(self.env))
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ProcessSpec:
        """Read what `to_json` wrote, or a plan that was written by hand; keys that other steps use are ignored.

        Raises:
            BadSpec: a part is missing or has the wrong shape.
        """
        try:
            spec = cls(
                service=str(data["service"]),
                root=Path(data["root"]),
                command=tuple(str(word) for word in data["command"]),
                replicas=tuple(Replica(int(one["port"]), one.get("host") or "127.0.0.1") for one in data["replicas"]),
                config=Path(data["config"]) if data.get("config") else None,
                python=data.get("python"),
                env={str(name): str(value) for name, value in (data.get("env") or {}).items()},
                health=_health(data.get("health")),
                stop_timeout_s=float(data.get("stop_timeout_s") or 10.0),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadSpec(f"not a process: {type(error).__name__} {error}") from error
        if not spec.root.is_absolute():
            raise BadSpec(f"{spec.root}: the root must be absolute, workers have different folders")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", spec.service):
            raise BadSpec(f"“{spec.service}” cannot name a file")
        if not spec.command or not spec.replicas:
            raise BadSpec(f"{spec.service}: a command and at least one replica are needed")
        return spec


def _health(data: Mapping[str, Any] | None) -> Health | None:
    if not data:
        return None
    return Health(str(data.get("path") or "/"), float(data.get("timeout_s") or 15.0))
