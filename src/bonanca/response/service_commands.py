"""Run a service's own commands: in the folder of the release that runs, without our settings and secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bonanca.actuators.command.output import Tail
from bonanca.actuators.git.releases import CURRENT
from bonanca.actuators.ssh.session import HostRefused, HostUnreachable
from bonanca.catalog.spec import ServiceView
from bonanca.durable.commands import CommandFailed, run
from bonanca.durable.context import FenceToken
from bonanca.running.homes import run_far, ssh_host
from bonanca.running.programs import environment

# What is kept of the output: its end, where test suites and tracebacks say what matters.
TAIL_BYTES = 4000


@dataclass(frozen=True)
class Ran:
    """How a command ended. `returncode` None: it was not started, or did not end in time."""

    ok: bool
    returncode: int | None
    words: str
    tail: str


def run_for(
    service: ServiceView,
    words: tuple[str, ...],
    *,
    timeout_s: float,
    watch: Callable[[], None] | None = None,
    token: FenceToken | None = None,
) -> Ran:
    """Run a declared command to its end. What `watch` raises ends it and comes out of here.

    On another host `token` fences it; here its caller does.
    """
    if ssh_host(service) is not None:
        return _run_far(service, words, timeout_s, watch, token)
    folder = release_folder(service)
    output = Tail(TAIL_BYTES)
    try:
        run(
            filled(service, words, folder),
            timeout_s=timeout_s,
            cwd=folder,
            env=environment(service, folder),
            stdout=output.write,
            watch=watch,
        )
        ended = Ran(True, 0, "", "")
    except CommandFailed as failure:
        ended = Ran(False, failure.returncode, failure.message, failure.stderr)
    return Ran(ended.ok, ended.returncode, ended.words, f"{output.text()}{ended.tail}"[-TAIL_BYTES:])


def _run_far(
    service: ServiceView,
    words: tuple[str, ...],
    timeout_s: float,
    watch: Callable[[], None] | None,
    token: FenceToken | None,
) -> Ran:
    env = dict(service.run.env) if service.run else {}
    try:
        ended = run_far(service, filled(service, words, None), timeout_s=timeout_s, env=env, watch=watch, token=token)
    except (HostUnreachable, HostRefused) as away:
        return Ran(False, None, away.message, "")
    tail = f"{ended.stdout}{ended.stderr}"[-TAIL_BYTES:]
    return Ran(ended.code == 0, ended.code, "", tail)


def filled(service: ServiceView, words: tuple[str, ...], folder: Path | None) -> list[str]:
    """Return the command with its placeholders filled; {port} is that of the first replica."""
    first = service.run.replicas[0] if service.run and service.run.replicas else None
    values = service.placeholders(release=folder, replica=first)
    filled_words = []
    for word in words:
        for name, value in values.items():
            word = word.replace("{" + name + "}", value)
        filled_words.append(word)
    return filled_words


def release_folder(service: ServiceView) -> Path | None:
    """Return the folder of the release that is current at this moment."""
    current = service.root / CURRENT if service.root is not None else None
    return current.resolve() if current is not None and current.exists() else None
