"""What a person types to have a service's code, configuration and processes again, here or on its other host."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import PurePath

from bonanca.catalog.spec import HostSpec, ServiceView
from bonanca.running.containers import run_commands
from bonanca.running.homes import release_if_known
from bonanca.running.units import unit_spec

# How a release's folder is called when nobody knows any more which one ran.
_UNKNOWN = "resumed"


def code_commands(service: ServiceView) -> list[str]:
    """The clone, the release where its units look for it, and the configuration."""
    clone, running, commands = f"{service.slug}.git", release_if_known(service), []
    if service.repository is not None:
        branch, source = shlex.quote(service.repository.branch), quoted(service.repository.path)
        commands.append(f"git clone --branch {branch} {source} {clone}")
        if running:
            commands.append(f"git -C {clone} checkout {shlex.quote(running)}")
        if _has_units(service):
            commands += _release(service, clone, running or _UNKNOWN)
    if service.config is not None and service.config.source:
        commands += _configuration(service, f"{clone}/{service.config.source}", service.config.file)
    return commands


def start_commands(service: ServiceView) -> list[str]:
    """The migration and every replica, by whatever runs the service; nothing when something else than Bonança does."""
    if service.run is None:
        return []
    if service.run.command:
        starts = [_filled(service, service.run.command, replica.port) for replica in service.run.replicas]
        return [*([_filled(service, service.migrate)] if service.migrate else []), *starts]
    if service.run.systemd is not None:
        return [*_migration(service), *_units(service)]
    if service.run.docker is not None and service.root is not None:
        return [shlex.join(words) for words in run_commands(service)]
    return []


def variables(service: ServiceView) -> list[str]:
    """Names of variables that what one types is to be given; their values are in the catalog, and not told here."""
    if service.run is None or (service.run.systemd is not None and not service.migrate):
        return []
    return sorted(service.run.env)


def quoted(value: object) -> str:
    """As one word of a shell; a key's file that nobody declares stands for itself."""
    return shlex.quote(str(value)) if value is not None else "KEY-FILE"


def _has_units(service: ServiceView) -> bool:
    return service.run is not None and service.run.systemd is not None and service.root is not None


def _release(service: ServiceView, clone: str, name: str) -> list[str]:
    """The tree of the clone as the current release below the root, as the service's units want it."""
    folder, host = f"{service.root}/releases/{name}", _host(service)
    pack = f"tar -C {clone} --exclude=./.git -cf - ."
    return [
        _there(host, shlex.join(("mkdir", "-p", "--", folder))),
        f"{pack} | " + _there(host, shlex.join(("tar", "-C", folder, "-xf", "-"))),
        _there(host, shlex.join(("ln", "-sfn", "--", f"releases/{name}", f"{service.root}/current"))),
    ]


def _configuration(service: ServiceView, source: str, file: PurePath) -> list[str]:
    host = _host(service)
    make = _there(host, shlex.join(("mkdir", "-p", "--", str(file.parent))))
    if host is None:
        return [make, shlex.join(("cp", source, str(file)))]
    return [make, f"{_there(host, 'cat > ' + shlex.quote(str(file)))} < {shlex.quote(source)}"]


def _migration(service: ServiceView) -> list[str]:
    if not service.migrate:
        return []
    current, host = f"{service.root}/current", _host(service)
    words = _filled(service, service.migrate, release=current)
    text = f"cd {shlex.quote(current)} && PYTHONPATH={shlex.quote(current)} {words}"
    return [_there(host, text) if host is not None else f"({text})"]


def _units(service: ServiceView) -> list[str]:
    spec = unit_spec(service)
    manager = ("systemctl", "--user") if spec.user else ("sudo", "systemctl") if spec.sudo else ("systemctl",)
    return [_there(_host(service), shlex.join((*manager, "restart", "--", part.unit))) for part in spec.parts]


def _host(service: ServiceView) -> HostSpec | None:
    return service.run.host if service.run is not None else None


def _there(host: HostSpec | None, text: str) -> str:
    """A shell's text where the service runs: the shell of the other host reads it once more."""
    if host is None:
        return text
    return shlex.join(("ssh", "-p", str(host.port), f"{host.user}@{host.name}", text))


def _filled(service: ServiceView, command: Iterable[str], port: int | None = None, *, release: str = "") -> str:
    """The command as one types it on the machine where everything is begun anew, in the folder of the clone."""
    values = {
        "python": (service.run.python if service.run else None) or "python3",
        "config": str(service.config.file) if service.config else "",
        "release": release or f"{service.slug}.git",
        "port": str(port or ""),
    }
    words = []
    for word in command:
        for name, value in values.items():
            word = word.replace("{" + name + "}", value)
        words.append(word)
    return shlex.join(words)
