"""Which units a service is, as a frozen value that fits into a plan's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bonanca.actuators.process.spec import Health, Replica
from bonanca.actuators.ssh.spec import BadHost, SshHost

# What systemd takes as a unit's name (systemd.unit(5)), without its escapes for paths.
UNIT = re.compile(r"[A-Za-z0-9:_.@-]{1,247}\.(service|target|socket|scope)")


class BadUnit(ValueError):
    """The parameters do not describe units."""


@dataclass(frozen=True)
class Part:
    """A unit, and the replicas that it runs."""

    unit: str
    replicas: tuple[Replica, ...]


@dataclass(frozen=True)
class UnitSpec:
    """A service that systemd runs.

    `unit` may hold {port}: then each replica is a unit. `user` is the manager of the user that we are (there), `sudo`
    asks for each command by `sudo -n`. `root` (absolute) is where steps keep what they decide; `host` None: this host.
    """

    service: str
    root: Path
    unit: str
    replicas: tuple[Replica, ...]
    user: bool = False
    sudo: bool = False
    health: Health | None = None
    host: SshHost | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The units in the order of the replicas."""
        found: dict[str, list[Replica]] = {}
        for replica in self.replicas:
            found.setdefault(self.unit.replace("{port}", str(replica.port)), []).append(replica)
        return tuple(Part(unit, tuple(replicas)) for unit, replicas in found.items())

    def to_json(self) -> dict[str, Any]:
        """Parameters of a step; `from_json` is the inverse."""
        data = asdict(self)
        data.update(root=str(self.root), host=self.host.to_json() if self.host else None)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> UnitSpec:
        """Read what `to_json` wrote.

        Raises:
            BadUnit: a part is missing or has the wrong shape.
        """
        try:
            health = data.get("health")
            spec = cls(
                service=str(data["service"]),
                root=Path(data["root"]),
                unit=str(data["unit"]),
                replicas=tuple(Replica(int(one["port"]), one.get("host") or "127.0.0.1") for one in data["replicas"]),
                user=bool(data.get("user")),
                sudo=bool(data.get("sudo")),
                health=Health(str(health["path"]), float(health["timeout_s"])) if health else None,
                host=SshHost.from_json(data["host"]) if data.get("host") else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError, BadHost) as error:
            raise BadUnit(f"not a unit: {type(error).__name__} {error}") from error
        if not spec.root.is_absolute() or not spec.replicas:
            raise BadUnit(f"{spec.service}: an absolute root and at least one replica are needed")
        for part in spec.parts:
            if not UNIT.fullmatch(part.unit):
                raise BadUnit(f"“{part.unit}” cannot name a unit")
        return spec
