"""The verdict on replacing a server's whole data directory, asked before anything is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.data_directory import version_of
from bonanca.actuators.postgres.leftovers import server_processes
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import BonancaError
from bonanca.kernel.home import bonanca_home
from bonanca.recovery.engines import Target, engine_named
from bonanca.recovery.identities import IdentityUnreadable
from bonanca.recovery.judging import NO_KEY, NOT_ANSWERED, STATE_BAD, identities_for
from bonanca.recovery.judging_files import ABSENT, LINK, MOUNT, NO_FOLDER, NO_ROOM, NO_WRITING, ROOM
from bonanca.recovery.state import RESTORABLE
from bonanca.recovery.verdicts import NO, OK, Finding, finding
from bonanca.recovery.views import BackupView

DUMP_ONLY = gettext_noop("This backup is a dump of one database: a whole server comes back from a physical backup only")
RUNS = gettext_noop("A server runs in %(path)s: stop it first")
STOPPED = gettext_noop("No server runs in %(path)s")
OWN = gettext_noop("%(path)s belongs to Bonança itself: see how everything is resumed")
NOT_DATA = gettext_noop("%(path)s is there and is no data directory of PostgreSQL")
OTHER_VERSION = gettext_noop("%(path)s is of PostgreSQL %(there)d, and the backup is of PostgreSQL %(backup)d")
EVERYTHING = gettext_noop(
    "Every database of the server goes back: %(path)s will be replaced and kept, with what was written since"
)


def judge_server(
    service: ServiceView, backup: BackupView, target: Target, data: Path, identity_file: Path | None
) -> Iterator[Finding]:
    """Every question with its answer."""
    if backup.engine != "physical":
        yield finding("backup", NO, DUMP_ONLY)
        return
    if backup.state not in RESTORABLE:
        yield finding("backup", NO, STATE_BAD, step=backup.state.value)
        return
    engine, needed = engine_named(backup.engine), 0
    try:
        yield from engine.findings(
            service, backup, target, identities_for(service, identity_file, engine=backup.engine)
        )
        needed = engine.room(backup, target)
    except IdentityUnreadable as problem:
        yield finding("key", NO, NO_KEY, why=str(problem))
    except BonancaError as problem:
        yield finding("backup", NO, NOT_ANSWERED, what=backup.object_name, why=str(problem))
    yield from _directory(data, backup)
    yield from _room(data.parent, needed)


def _directory(data: Path, backup: BackupView) -> Iterator[Finding]:
    path, there = str(data), version_of(data)
    if data.is_relative_to(bonanca_home()):
        yield finding("directory", NO, OWN, path=path)
    elif data.is_symlink():
        yield finding("directory", NO, LINK, path=path)
    elif data.is_mount():
        yield finding("directory", NO, MOUNT, path=path)
    elif not data.exists():
        yield finding("directory", OK, ABSENT, path=path)
    elif there is None and (not data.is_dir() or any(data.iterdir())):
        yield finding("directory", NO, NOT_DATA, path=path)
    elif there is not None and there != backup.server_version:
        yield finding("version", NO, OTHER_VERSION, path=path, there=there, backup=backup.server_version)
    elif server_processes(data):
        yield finding("server", NO, RUNS, path=path)
    else:
        yield finding("server", OK, STOPPED, path=path)
        yield finding("directory", OK, EVERYTHING, path=path)


def _room(folder: Path, needed: int) -> Iterator[Finding]:
    if not folder.is_dir():
        yield finding("folder", NO, NO_FOLDER, folder=str(folder))
        return
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        yield finding("folder", NO, NO_WRITING, folder=str(folder))
        return
    free = shutil.disk_usage(folder).free
    sizes = {"free_mb": free // 1_000_000, "needed_mb": -(-needed // 1_000_000), "folder": str(folder)}
    yield finding("room", OK if free >= needed else NO, ROOM if free >= needed else NO_ROOM, **sizes)
