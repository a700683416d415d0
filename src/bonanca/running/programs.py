"""A service's own programs, run where the service runs: in the folder of its current release, here or on its host.

Here they see none of our settings and secrets; there nothing of ours is to be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

from django.utils.translation import gettext as _

from bonanca.actuators.command.environment import inherited
from bonanca.actuators.command.output import Sink
from bonanca.actuators.git.releases import CURRENT
from bonanca.catalog.spec import ServiceView
from bonanca.durable.commands import CommandFailed, run
from bonanca.durable.context import FenceToken
from bonanca.running.homes import run_far, ssh_host


@dataclass(frozen=True)
class Ended:
    """How a program ended. `code` None: it was not started, did not end in time, or ended by a signal on its host.

    `words` are ours about what has no code, and hold nothing that the program said; `stderr` is the end of that.
    `retryable`: another attempt may do better.
    """

    name: str
    code: int | None
    words: str = ""
    stderr: str = ""
    retryable: bool = False

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def problem(self) -> str:
        """Why it did not end well, with what it said; empty when it did."""
        if self.ok or self.words:
            return self.words
        code, stderr = "-" if self.code is None else self.code, self.stderr.strip()[-2000:] or "-"
        return _("“%(name)s” failed (%(code)s): %(stderr)s") % {"name": self.name, "code": code, "stderr": stderr}


def run_program(
    service: ServiceView,
    words: Sequence[str],
    *,
    timeout_s: float,
    given: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    input: IO[bytes] | None = None,
    stdout: Sink,
    watch: Callable[[], None] | None = None,
    token: FenceToken | None = None,
) -> Ended:
    """Run a declared command to its end; `given` are placeholders beside the service's own. No shell reads it.

    `input` is a file, read from where it stands. What `watch` raises ends the program and comes out of here. On another
    host `token` fences it; here its caller does.

    Raises:
        HostUnreachable, HostRefused: its host. Fenced: the plan has moved on, and nothing was run.
    """
    far = ssh_host(service) is not None
    folder = None if far else release_folder(service)
    # What people of the service have written is filled first: a value that holds a brace is not read as a placeholder.
    argv = [_with(word, given or {}) for word in _filled(service, words, folder)]
    name, declared = PurePath(argv[0]).name, dict(service.run.env) if service.run else {}
    if far:
        more = {**declared, **(env or {})}
        told = run_far(
            service, argv, timeout_s=timeout_s, env=more, input=input, stdout=stdout, watch=watch, token=token
        )
        return Ended(name, told.code, stderr=told.stderr, retryable=told.code is None)
    more = {**environment(service, folder), **(env or {})}
    try:
        run(argv, timeout_s=timeout_s, env=more, cwd=folder, input=input, stdout=stdout.write, watch=watch)
    except CommandFailed as failure:
        ours = failure.message if failure.returncode is None else ""
        return Ended(name, failure.returncode, ours, failure.stderr, failure.retryable)
    return Ended(name, 0)


def environment(service: ServiceView, folder: Path | None) -> dict[str, str]:
    """Return what a program needs of our environment, without our settings and secrets, and what is declared."""
    found = {"PYTHONPATH": str(folder)} if folder is not None else {}
    return {**inherited(), **found, **(dict(service.run.env) if service.run else {})}


def release_folder(service: ServiceView) -> Path | None:
    """Return the folder of the release that is current at this moment."""
    current = service.root / CURRENT if service.root is not None else None
    return current.resolve() if current is not None and current.exists() else None


def _filled(service: ServiceView, words: Sequence[str], folder: Path | None) -> list[str]:
    """The command with the service's placeholders filled; {port} is that of the first replica."""
    first = service.run.replicas[0] if service.run and service.run.replicas else None
    values = service.placeholders(release=folder, replica=first)
    return [_with(word, values) for word in words]


def _with(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace("{" + name + "}", value)
    return word
