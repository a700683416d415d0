"""Erase people again by the service's own program."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from bonanca.actuators.git.releases import CURRENT
from bonanca.catalog.spec import ErasureSpec, ServiceView
from bonanca.durable.commands import run
from bonanca.durable.context import StepContext


def erase_by_command(ctx: StepContext, service: ServiceView, erasures: ErasureSpec, references: Sequence[str]) -> None:
    """Give it the references as JSON lines {"reference": …} on standard input: they are in no argument and no log.

    It runs in the folder of the running release, and has to bear being told of somebody who is gone.

    Raises:
        CommandFailed: it did not end with 0 in time.
    """
    current = service.root / CURRENT if service.root is not None else None
    folder = current.resolve() if current is not None and current.exists() else None
    values = service.placeholders(release=folder)
    words = []
    for word in erasures.command:
        for name, value in values.items():
            word = word.replace("{" + name + "}", value)
        words.append(word)
    lines = "".join(json.dumps({"reference": reference}) + "\n" for reference in references)
    run(
        words,
        timeout_s=max(1.0, ctx.remaining_s()),
        env={**os.environ, **(service.run.env if service.run else {})},
        cwd=folder,
        input=lines.encode(),
        watch=ctx.still_mine,
    )
