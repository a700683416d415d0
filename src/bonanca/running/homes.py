"""Where a service is at home: its root, its configuration and its commands, here or on another host.

`release_of` needs no network: pages and transactions may ask it. Everything else goes there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.utils.translation import gettext as _

from bonanca.actuators.command.output import Sink
from bonanca.actuators.git.releases import CURRENT, current_release
from bonanca.actuators.ssh import memory, releases
from bonanca.actuators.ssh.files import fence_of
from bonanca.actuators.ssh.session import Session, connected
from bonanca.actuators.ssh.spec import SshHost
from bonanca.catalog.spec import ServiceView
from bonanca.durable.context import FenceToken
from bonanca.kernel.errors import Unavailable


@dataclass(frozen=True)
class RemoteRan:
    """How a command on the host ended (`code` None: by a signal), with the end of what it said."""

    code: int | None
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Found:
    """A file as it is: its bytes and permission bits."""

    data: bytes
    mode: int


def ssh_host(service: ServiceView) -> SshHost | None:
    """The host of a service that is not at home here."""
    declared = service.run.host if service.run else None
    if declared is None:
        return None
    return SshHost(declared.name, declared.user, declared.key_file, declared.known_hosts, declared.port)


def ssh_params(service: ServiceView) -> dict[str, Any] | None:
    """What every step on the service's host needs; None for a service of this host."""
    host = ssh_host(service)
    return None if host is None else {"ssh": host.to_json(), "root": str(service.root)}


def release_of(service: ServiceView) -> str | None:
    """The folder name of the current release; of another host, as it was seen last.

    Raises:
        Unavailable: the other host has not been looked at yet.
    """
    if service.root is None:
        return None
    host = ssh_host(service)
    if host is None:
        return current_release(service.root)
    seen = memory.seen(host, PurePosixPath(service.root))
    if seen is None or seen.at is None:
        raise Unavailable(
            _("%(host)s has not been looked at yet: what runs there is not known.") % {"host": host.address},
            hint=seen.problem if seen is not None else _("A worker looks every 10 seconds: is one running?"),
        )
    return seen.release or None


def release_if_known(service: ServiceView) -> str | None:
    """The folder name of the current release; None also where nobody has looked yet."""
    try:
        return release_of(service)
    except Unavailable:
        return None


def remember_release(service: ServiceView, release: str | None, *, now: datetime) -> None:
    """Remember which release was seen to be current on the service's other host."""
    host = ssh_host(service)
    if host is not None and service.root is not None:
        memory.remember(host, PurePosixPath(service.root), release, now=now)


def note_problem(service: ServiceView, problem: str) -> None:
    """Remember why the service's other host cannot be looked at."""
    host = ssh_host(service)
    if host is not None and service.root is not None:
        memory.remember_problem(host, PurePosixPath(service.root), problem)


@contextmanager
def home_of(service: ServiceView) -> Iterator[Session | None]:
    """A session on the service's other host, None for a service of this host."""
    host = ssh_host(service)
    if host is None:
        yield None
        return
    with connected(host) as session:
        yield session


def release_now(service: ServiceView) -> str | None:
    """The folder name of the current release, asked where it is."""
    if service.root is None:
        return None
    with home_of(service) as session:
        if session is None:
            return current_release(service.root)
        return releases.current_release(session, PurePosixPath(service.root))


def read_far(service: ServiceView, path: Path) -> Found | None:
    """A file of the service's other host; None where there is none."""
    with home_of(service) as session:
        assert session is not None
        found = session.read(str(path))
    return None if found is None else Found(found.data, found.mode)


def run_far(
    service: ServiceView,
    words: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    input: IO[bytes] | None = None,
    stdout: Sink | None = None,
    watch: Callable[[], None] | None = None,
    token: FenceToken | None = None,
) -> RemoteRan:
    """Run one of the service's own commands on its other host, in the folder of the current release.

    `{release}` in the words is that folder. `input` is sent there first and never has a name that others could open,
    `stdout` takes what it says as it comes. With `token` it runs as the only one that acts below the root.

    Raises:
        HostUnreachable, HostRefused. Fenced: the plan has moved on, and nothing was run.
    """
    assert service.root is not None
    folder = f"{service.root}/{CURRENT}"
    with home_of(service) as session:
        assert session is not None
        ended = session.run(
            [word.replace("{release}", folder) for word in words],
            timeout_s=timeout_s,
            env={"PYTHONPATH": folder, **(env or {})},
            folder=folder,
            input=input,
            scratch=f"{service.root}/run",
            fence=fence_of(PurePosixPath(service.root)) if token is not None else "",
            token=token,
            stdout=stdout,
            watch=watch,
        )
    return RemoteRan(ended.code, ended.stdout, ended.stderr)
