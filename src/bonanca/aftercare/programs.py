"""A service's own programs list failed work, or do it again with it on their stdin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from bonanca.actuators.command.output import Sink
from bonanca.actuators.ssh.session import HostRefused, HostUnreachable
from bonanca.catalog.spec import ServiceView
from bonanca.durable.context import FenceToken
from bonanca.running.programs import run_program


@dataclass(frozen=True)
class Ended:
    """How a program ended: `problem` is empty when it ended well, `passing` when another attempt may do better."""

    problem: str = ""
    passing: bool = False


def fits(words: Sequence[str], key: str) -> bool:
    """Whether a listed key can be given to this command as it is.

    One that begins with a hyphen would be an option of the program, unless a `--` stands right before it.
    """
    guarded = [False, *(word == "--" for word in words)]
    bare = any(word.startswith("{key}") and not after for word, after in zip(words, guarded, strict=False))
    # On another host the folder of the release is filled in last.
    return "{release}" not in key and not (bare and key.startswith("-"))


def carry_out(
    service: ServiceView,
    words: Sequence[str],
    *,
    given: Mapping[str, str],
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    input: IO[bytes] | None = None,
    stdout: Sink,
    watch: Callable[[], None] | None = None,
    token: FenceToken | None = None,
) -> Ended:
    """Run a declared command as `run_program`; a host that is away is a problem of this one work, and may pass."""
    try:
        ended = run_program(
            service,
            words,
            timeout_s=timeout_s,
            given=given,
            env=env,
            input=input,
            stdout=stdout,
            watch=watch,
            token=token,
        )
    except (HostUnreachable, HostRefused) as away:
        return Ended(away.message, passing=isinstance(away, HostUnreachable))
    return Ended(ended.problem, ended.retryable)
