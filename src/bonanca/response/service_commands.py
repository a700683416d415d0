"""Run a service's own commands for a plan or a check, and keep the end of what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bonanca.actuators.command.output import Tail
from bonanca.actuators.ssh.session import HostRefused, HostUnreachable
from bonanca.catalog.spec import ServiceView
from bonanca.durable.context import FenceToken
from bonanca.running.programs import run_program

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
    output = Tail(TAIL_BYTES)
    try:
        ended = run_program(service, words, timeout_s=timeout_s, stdout=output, watch=watch, token=token)
    except (HostUnreachable, HostRefused) as away:
        return Ran(False, None, away.message, "")
    return Ran(ended.ok, ended.code, ended.problem, f"{output.text()}{ended.stderr}"[-TAIL_BYTES:])
