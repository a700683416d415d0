"""What a service's own programs are started with on this host."""

from __future__ import annotations

from pathlib import Path

from bonanca.actuators.command.environment import inherited
from bonanca.catalog.spec import ServiceView


def environment(service: ServiceView, folder: Path | None) -> dict[str, str]:
    """Return what a program needs of our environment, without our settings and secrets, and what is declared."""
    found = {"PYTHONPATH": str(folder)} if folder is not None else {}
    return {**inherited(), **found, **(dict(service.run.env) if service.run else {})}
