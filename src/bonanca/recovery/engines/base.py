"""The door that every engine has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from django.utils.translation import gettext as _

from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import Invalid
from bonanca.recovery.verdicts import Finding
from bonanca.recovery.views import BackupView

Say = Callable[[float | None, str], None]
_ENGINES = {"logical": "bonanca.recovery.engines.logical"}


class UnknownEngine(Invalid):
    """The backup was taken by an engine that this installation does not have."""


@dataclass(frozen=True)
class Target:
    """Where to go back to: `backup` (the backup's own moment)."""

    kind: str = "backup"
    value: str = ""


@dataclass(frozen=True)
class Archive:
    """An opened backup that pg_restore reads, and what it holds. `facts` go into the receipt."""

    path: Path
    row_counts: Mapping[str, int]
    facts: Mapping[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Stateless; `folder` is the caller's to remove, whatever happens."""

    def findings(
        self, service: ServiceView, backup: BackupView, target: Target, identities: Sequence[str]
    ) -> list[Finding]:
        """What the backup itself says about a restore to `target`: its places, its key, its parts."""

    def room(self, backup: BackupView, target: Target) -> int:
        """Bytes that opening it needs on this machine."""

    def open(
        self,
        service: ServiceView,
        backup: BackupView,
        target: Target,
        folder: Path,
        *,
        identities: Sequence[str],
        say: Say,
    ) -> Archive:
        """Fetch and decrypt it into `folder`. Raises NoReplicaIntact, WrongIdentity, EnvelopeDamaged, DiskFull."""


def engine_named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        UnknownEngine
    """
    try:
        found: Engine = import_module(_ENGINES[name]).ENGINE
    except KeyError:
        raise UnknownEngine(_("There is no backup engine %(name)s here.") % {"name": name}, field="engine") from None
    return found
