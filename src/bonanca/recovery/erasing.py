"""Erase people again by the service's own program, here or on the host where the service is at home."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence

from django.utils.translation import gettext as _

from bonanca.actuators.command.output import Tail
from bonanca.catalog.spec import ErasureSpec, ServiceView
from bonanca.durable.context import StepContext
from bonanca.durable.errors import StepFailed
from bonanca.running.programs import Ended, run_program


def erase_by_command(ctx: StepContext, service: ServiceView, erasures: ErasureSpec, references: Sequence[str]) -> None:
    """Give it the references as JSON lines {"reference": …} on standard input: they are in no argument and no log.

    It runs in the folder of the running release, and has to bear being told of somebody who is gone.

    Raises:
        StepFailed: it did not end with 0 in time; nothing of what it said is in the words.
    """
    with tempfile.TemporaryFile() as lines:
        for reference in references:
            lines.write(json.dumps({"reference": reference}).encode() + b"\n")
        lines.seek(0)
        ended = run_program(
            service,
            erasures.command,
            timeout_s=max(1.0, ctx.remaining_s()),
            input=lines,
            stdout=Tail(1),  # nothing of it is kept, however much it is
            watch=ctx.still_mine,
            token=ctx.token,
        )
    if not ended.ok:
        raise _failed(ended)


def _failed(ended: Ended) -> StepFailed:
    """Without what the program said: everybody who sees the plan reads this, and it may name who was erased."""
    if ended.words:
        return StepFailed(ended.words, retryable=ended.retryable)  # not started or not in time
    return StepFailed(
        _("“%(name)s” failed (%(code)s).") % {"name": ended.name, "code": "-" if ended.code is None else ended.code},
        hint=_(
            "What it said is not kept, because it may name people who were erased: "
            "look into the program's own log where the service runs, then retry."
        ),
        retryable=ended.retryable,
    )
