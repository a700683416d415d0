"""Erase people again by the service's own program, here or on the host where the service is at home."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import IO, cast

from django.utils.translation import gettext as _

from bonanca.actuators.command.output import Tail
from bonanca.actuators.git.releases import CURRENT
from bonanca.catalog.spec import ErasureSpec, ServiceView
from bonanca.durable.commands import CommandFailed, run
from bonanca.durable.context import StepContext
from bonanca.durable.errors import StepFailed
from bonanca.running.homes import run_far, ssh_host
from bonanca.running.programs import environment


def erase_by_command(ctx: StepContext, service: ServiceView, erasures: ErasureSpec, references: Sequence[str]) -> None:
    """Give it the references as JSON lines {"reference": …} on standard input: they are in no argument and no log.

    It runs in the folder of the running release, and has to bear being told of somebody who is gone.

    Raises:
        StepFailed: it did not end with 0 in time; nothing of what it said is in the words.
    """
    timeout_s = max(1.0, ctx.remaining_s())
    far = ssh_host(service) is not None
    folder = None if far else _folder(service)
    words = _command(service, erasures, folder)
    said = Tail(1)  # nothing of it is kept, however much it is
    with tempfile.TemporaryFile() as lines:
        for reference in references:
            lines.write(json.dumps({"reference": reference}).encode() + b"\n")
        lines.seek(0)
        if not far:
            env = environment(service, folder)
            try:
                run(
                    words,
                    timeout_s=timeout_s,
                    env=env,
                    cwd=folder,
                    input=lines,
                    stdout=said.write,
                    watch=ctx.still_mine,
                )
            except CommandFailed as failure:
                if failure.returncode is None:
                    raise  # not started or not in time: those are our own words
                raise _failed(words[0], failure.returncode, failure.retryable) from None
            return
        env = dict(service.run.env) if service.run else {}
        ended = run_far(
            service,
            words,
            timeout_s=timeout_s,
            env=env,
            input=lines,
            stdout=cast(IO[bytes], said),
            watch=ctx.still_mine,
            token=ctx.token,
        )
    if ended.code != 0:
        raise _failed(words[0], ended.code, ended.code is None)


def _failed(program: str, code: int | None, retryable: bool) -> StepFailed:
    """Without what the program said: everybody who sees the plan reads this, and it may name who was erased."""
    return StepFailed(
        _("“%(name)s” failed (%(code)s).") % {"name": PurePath(program).name, "code": "-" if code is None else code},
        hint=_(
            "What it said is not kept, because it may name people who were erased: "
            "look into the program's own log where the service runs, then retry."
        ),
        retryable=retryable,
    )


def _command(service: ServiceView, erasures: ErasureSpec, folder: Path | None) -> list[str]:
    words = []
    for word in erasures.command:
        for name, value in service.placeholders(release=folder).items():
            word = word.replace("{" + name + "}", value)
        words.append(word)
    return words


def _folder(service: ServiceView) -> Path | None:
    current = service.root / CURRENT if service.root is not None else None
    return current.resolve() if current is not None and current.exists() else None
