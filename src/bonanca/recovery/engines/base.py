"""The door that every engine has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, cast

from django.utils.translation import gettext as _

from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import Invalid
from bonanca.recovery.bundle import FilesReader
from bonanca.recovery.places.checking import Seen
from bonanca.recovery.sealing import SealedDatabase
from bonanca.recovery.verdicts import Finding
from bonanca.recovery.views import BackupView

Say = Callable[[float | None, str], None]
_ENGINES = {
    "files": "bonanca.recovery.engines.files",
    "logical": "bonanca.recovery.engines.logical",
    "physical": "bonanca.recovery.engines.physical",
    "pgbackrest": "bonanca.recovery.engines.pgbackrest",
}
# They keep their backups in repositories of their own, under a key of their own: nothing is sealed, copied or pruned
# by us, and no private key of ours opens anything.
OUTSIDE = ("pgbackrest",)
# What a target can be, beside the backup's own moment: `latest` is the end of the log.
TARGETS = ("backup", "time", "lsn", "point", "latest")


class UnknownEngine(Invalid):
    """The backup was taken by an engine that this installation does not have."""


@dataclass(frozen=True)
class Target:
    """Where to go back to: `backup` (the backup's own moment), or what `value` names in the log (see TARGETS).

    `value`: an ISO 8601 time with zone, an LSN, a restore point's name; nothing for `backup` and `latest`.
    """

    kind: str = "backup"
    value: str = ""
    timeline: int | None = None


@dataclass(frozen=True)
class Archive:
    """An opened backup that pg_restore reads, and the rows of its tables."""

    path: Path
    row_counts: Mapping[str, int]


@dataclass(frozen=True)
class Scratch:
    """A backup as a running server of our own. `row_counts` None: nobody counted when it was taken.

    `dsn` None: the backup holds no database, only files.
    """

    dsn: str | None
    row_counts: Mapping[str, int] | None


@dataclass(frozen=True)
class Opening:
    """What an engine needs to open a backup. `places` takes what each place said, `seconds` how long phases took.

    `files` takes the folders and files that the backup holds beside its database; None: nobody wants them.
    """

    service: ServiceView
    backup: BackupView
    target: Target
    folder: Path
    identities: Sequence[str]
    say: Say
    places: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    files: FilesReader | None = None

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the seconds of the block to `seconds`."""
        began = monotonic()
        try:
            yield
        finally:
            self.seconds[phase] = round(self.seconds.get(phase, 0.0) + monotonic() - began, 3)


@dataclass(frozen=True)
class TakenOutside:
    """A backup in one repository: what it is called there. Sizes in bytes: what it added, and the data's own."""

    label: str
    kind: str
    cipher: str
    began: datetime
    ended: datetime
    start_lsn: str
    stop_lsn: str
    size: int
    database_bytes: int
    server_version: int
    facts: Mapping[str, Any]


class Engine(Protocol):
    """Stateless; folders and files are the caller's to remove, whatever happens."""

    def findings(
        self, service: ServiceView, backup: BackupView, target: Target, identities: Sequence[str]
    ) -> list[Finding]:
        """What the backup itself says about a restore to `target`: its places, its key, its parts."""

    def room(self, backup: BackupView, target: Target) -> int:
        """Bytes that opening it needs on this machine."""

    def open(self, opening: Opening) -> Archive:
        """Fetch and decrypt it into a dump. Raises NoReplicaIntact, WrongIdentity, EnvelopeDamaged, DiskFull."""

    def scratch(self, opening: Opening) -> AbstractContextManager[Scratch]:
        """Fetch, decrypt and start it as a server that ends with the block. Raises as `open`, and ClusterFailed."""


class SealingEngine(Engine, Protocol):
    """Its backups are sealed by us, and lie in our places."""

    def seal(
        self, service: ServiceView, view: BackupView, target: Path, *, on_bytes: Callable[[int], None]
    ) -> SealedDatabase:
        """Take a backup into the sealed file `target`; nothing of it touches the disk in the clear."""


class OutsideEngine(Engine, Protocol):
    """One of OUTSIDE. Its places are its repositories."""

    def places(self, service: ServiceView) -> list[str]:
        """The repositories, each as `engine://…`; asks whether they and the program can do this at all.

        Raises:
            Unavailable, Invalid: it is not installed, not set up, or does not know this version of the server.
        """

    def take(self, service: ServiceView, place: str, *, beat: Callable[[float | None], None]) -> TakenOutside:
        """Take a backup into one repository. Raises Unavailable: why it could not."""

    def kept(self, service: ServiceView) -> dict[str, list[TakenOutside] | None]:
        """What each repository has, whoever took it; None: it cannot be asked now. Raises Unavailable."""

    def look(
        self, service: ServiceView, backup: BackupView, place: str, *, told: Callable[[int], None] = lambda done: None
    ) -> Seen:
        """Have one copy read and compared."""


def outside_named(name: str) -> OutsideEngine | None:
    """The engine of that name if it keeps its backups itself."""
    return cast("OutsideEngine", engine_named(name)) if name in OUTSIDE else None


def sealing_named(name: str) -> SealingEngine:
    """The engine of that name, whose backups we seal. Raises UnknownEngine, also for one of OUTSIDE."""
    if name in OUTSIDE:
        raise UnknownEngine(_("The engine %(name)s keeps its backups itself.") % {"name": name}, field="engine")
    return cast("SealingEngine", engine_named(name))


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
