"""The container of a replica, as the daemon is asked to make it. The same spec gives the same name, whoever asks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bonanca.actuators.docker.engine import Image
from bonanca.actuators.docker.spec import BadSpec, DockerSpec, Healthcheck
from bonanca.actuators.process.spec import Replica

SERVICE, REPLICA, ROOT, ONCE = (f"bonanca.{word}" for word in ("service", "replica", "root", "once"))
_NS = 1_000_000_000


@dataclass(frozen=True)
class Wanted:
    """A container by its name and by what it is made from."""

    name: str
    config: dict[str, Any]


def wanted(spec: DockerSpec, replica: Replica, image: Image) -> Wanted:
    """The container of one replica.

    Its name ends in eight digits of the hash of all it is made from: one that is there already under this name is the
    very same, so making it is idempotent, and the versions of a replica stand side by side.

    Raises:
        BadSpec: the file with its environment cannot be read.
    """
    port = spec.listens(replica)
    config = _config(spec, image, [word.replace("{port}", str(port)) for word in spec.command], port)
    host = config["HostConfig"]
    if spec.network != "host":
        config["ExposedPorts"] = {f"{port}/tcp": {}}
        host["PortBindings"] = {f"{port}/tcp": [{"HostIp": replica.host, "HostPort": str(replica.port)}]}
        if spec.network != "bridge":
            config["NetworkingConfig"] = {"EndpointsConfig": {spec.network: {"Aliases": [spec.service]}}}
    if spec.healthcheck is not None:
        config["Healthcheck"] = _healthcheck(spec.healthcheck)
    config["StopTimeout"] = max(1, round(spec.stop_timeout_s))
    config["Labels"] = labels(spec, replica)
    return Wanted(f"{spec.name(replica)}-{_hash(config)[:8]}", config)


def once(spec: DockerSpec, argv: list[str], image: Image, key: str) -> Wanted:
    """The container that runs one command in the service's surroundings, under an idempotency key."""
    config = _config(spec, image, argv, spec.listens(spec.replicas[0]))
    config["Healthcheck"] = {"Test": ["NONE"]}
    config["Labels"] = {SERVICE: spec.service, ROOT: str(spec.root), ONCE: key}
    if spec.network not in ("host", "bridge"):
        config["NetworkingConfig"] = {"EndpointsConfig": {spec.network: {}}}
    return Wanted(f"{spec.service}-once-{hashlib.sha256(key.encode()).hexdigest()[:12]}", config)


def labels(spec: DockerSpec, replica: Replica) -> dict[str, str]:
    """What marks every container of a replica, and no other one of this host."""
    return {SERVICE: spec.service, REPLICA: spec.name(replica), ROOT: str(spec.root)}


def _config(spec: DockerSpec, image: Image, command: list[str], port: int) -> dict[str, Any]:
    env = {"PORT": str(port), **_env_file(spec.env_file), **spec.env}
    config: dict[str, Any] = {
        "Image": image.id,
        "Env": [f"{name}={value}" for name, value in env.items()],
        # Bonança starts what crashed, with its own limit: two who restart would hide a crash from one another.
        "HostConfig": {
            "NetworkMode": spec.network,
            "Binds": list(spec.volumes),
            "RestartPolicy": {"Name": "no"},
        },
    }
    if command:
        config["Cmd"] = command
    return config


def _env_file(place: Path | None) -> dict[str, str]:
    """Lines of NAME=value, as `docker run --env-file` reads them; empty ones and those after # are nothing."""
    if place is None:
        return {}
    try:
        lines = place.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSpec(_("%(file)s cannot be read: %(reason)s") % {"file": place, "reason": error}) from error
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = value
    return found


def _healthcheck(check: Healthcheck) -> dict[str, Any]:
    return {
        "Test": ["CMD", *check.command],
        "Interval": int(check.every_s * _NS),
        "Timeout": int(check.timeout_s * _NS),
        "Retries": check.failures,
        "StartPeriod": int(check.start_s * _NS),
    }


def _hash(config: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
