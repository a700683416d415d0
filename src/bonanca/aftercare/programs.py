"""A service's own programs, where the service runs: they list failed work, or do it again with it on their stdin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, cast

from bonanca.actuators.command.output import Bounded, Tail
from bonanca.actuators.ssh.session import HostRefused, HostUnreachable
from bonanca.catalog.spec import ServiceView
from bonanca.durable.commands import CommandFailed, run
from bonanca.durable.context import FenceToken
from bonanca.response.service_commands import filled, release_folder
from bonanca.running.homes import run_far, ssh_host
from bonanca.running.programs import environment


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
    stdout: Bounded | Tail,
    watch: Callable[[], None] | None = None,
    token: FenceToken | None = None,
) -> Ended:
    """Run a declared command to its end; `given` are placeholders beside the service's own. No shell reads it.

    What `watch` raises ends it and comes out of here. On another host `token` fences it.
    """
    far = ssh_host(service) is not None
    folder = None if far else release_folder(service)
    # What people of the service have written is filled first: a key that holds a brace is not read as a placeholder.
    argv = [_with(word, given) for word in filled(service, tuple(words), folder)]
    if far:
        own = dict(service.run.env) if service.run else {}
        try:
            ended = run_far(
                service,
                argv,
                timeout_s=timeout_s,
                env={**own, **(env or {})},
                input=input,
                stdout=cast(IO[bytes], stdout),
                watch=watch,
                token=token,
            )
        except (HostUnreachable, HostRefused) as away:
            return Ended(away.message, passing=isinstance(away, HostUnreachable))
        return (
            Ended() if ended.code == 0 else Ended(ended.stderr.strip()[-2000:] or f"{ended.code}", ended.code is None)
        )
    try:
        run(
            argv,
            timeout_s=timeout_s,
            env={**environment(service, folder), **(env or {})},
            cwd=folder,
            input=input,
            stdout=stdout.write,
            watch=watch,
        )
    except CommandFailed as failure:
        return Ended(failure.message, failure.retryable)
    return Ended()


def _with(word: str, given: Mapping[str, str]) -> str:
    for name, value in given.items():
        word = word.replace("{" + name + "}", value)
    return word
