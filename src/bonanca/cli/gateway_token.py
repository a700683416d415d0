"""The token with which this machine's gateway asks for its desired state: made anew at every start."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from bonanca.access.actors import SYSTEM
from bonanca.access.operations.create_token import create_token
from bonanca.access.operations.revoke_token import revoke_token
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import NotFound


def renew_gateway_token(path: Path) -> None:
    """Write a fresh token of scope `gateway` to `path` (mode 0600) and refuse the one of last time."""
    # One name a machine: gateways of other machines keep theirs.
    name, actor, now = f"gateway of {socket.gethostname()}"[:100], SYSTEM("supervisor"), utc_now()
    with contextlib.suppress(NotFound):
        revoke_token(name=name, actor=actor, now=now)
    write_secret(path, create_token(name=name, scope="gateway", actor=actor, now=now).secret)


def write_secret(path: Path, secret: str) -> None:
    """Write a file of mode 0600 in one step."""
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    part.touch(mode=0o600)
    part.write_text(secret)
    part.replace(path)
