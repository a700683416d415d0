"""What is known of hosts without asking them: which release is current below a root, as it was seen last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from bonanca.actuators.ssh.models import SeenRelease
from bonanca.actuators.ssh.spec import SshHost


@dataclass(frozen=True)
class Seen:
    """A root's current release at `at`; empty when it has none. `problem`: why it could not be looked at since."""

    release: str
    at: datetime | None
    problem: str = ""


def seen(host: SshHost, root: PurePosixPath) -> Seen | None:
    """What was seen last; None when nobody ever looked."""
    row = SeenRelease.objects.filter(host=host.address, root=str(root)).first()
    return None if row is None else Seen(row.release, row.at, row.problem)


def remember(host: SshHost, root: PurePosixPath, release: str | None, *, now: datetime) -> None:
    """Keep what was seen."""
    SeenRelease.objects.update_or_create(
        host=host.address, root=str(root), defaults={"release": release or "", "at": now, "problem": ""}
    )


def remember_problem(host: SshHost, root: PurePosixPath, problem: str) -> None:
    """Keep why it could not be looked at; what was seen before stays."""
    SeenRelease.objects.update_or_create(host=host.address, root=str(root), defaults={"problem": problem[:500]})
