"""The verdict on a restore: everything that would refuse it, asked before anything on the service's server is touched.

Asked for the preview, and again as the plan's first step, because a preview may be half an hour old.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.databases import effects_on
from bonanca.actuators.postgres.dump import dump_version
from bonanca.actuators.postgres.sessions import MAINTENANCE
from bonanca.actuators.postgres.survey import Survey, survey
from bonanca.actuators.preflight import unanswered
from bonanca.catalog.spec import DatabaseSpec, ServiceView
from bonanca.kernel.errors import BonancaError
from bonanca.recovery import folders
from bonanca.recovery.engines import OUTSIDE, Target, engine_named
from bonanca.recovery.guards import OwnServer, database_of, refuse_own_server
from bonanca.recovery.identities import IdentityUnreadable, read_identity_file
from bonanca.recovery.judging_files import judge_files
from bonanca.recovery.queries.privacy import register_problem
from bonanca.recovery.state import RESTORABLE, RestoreMode, RestorePart
from bonanca.recovery.verdicts import NO, OK, UNKNOWN, Finding, finding
from bonanca.recovery.views import BackupView

# Tables, indexes and the write-ahead log of loading them, beside what is there already.
ROOM_FACTOR = 1.5

STATE_BAD = gettext_noop("This backup is %(step)s: there is nothing to restore")
NO_DATABASE = gettext_noop("This backup holds no database")
NO_KEY = gettext_noop("The private key is not here: %(why)s")
ROOM_HERE = gettext_noop("This machine has room to open it: %(free_mb)d MB free, %(needed_mb)d MB needed")
NO_ROOM_HERE = gettext_noop(
    "The disk of %(folder)s has %(free_mb)d MB free, and opening the backup needs %(needed_mb)d MB"
)
ROOM_THERE = gettext_noop("The server has room: %(free_mb)d MB free, about %(needed_mb)d MB needed")
NO_ROOM_THERE = gettext_noop("The server's disk has %(free_mb)d MB free, and the restore needs about %(needed_mb)d MB")
ROOM_UNSEEN = gettext_noop("The server's disk cannot be seen from here: the restore needs about %(needed_mb)d MB of it")
OWN_SERVER = gettext_noop(
    "The service's database is on the server that holds Bonança's own records: a restore must not rewrite the record"
    " of itself"
)
NOT_ANSWERED = gettext_noop("%(what)s could not be checked: %(why)s")
VERSION_OK = gettext_noop("The server is PostgreSQL %(server)d, the backup is of PostgreSQL %(backup)d")
VERSION_OLD = gettext_noop(
    "The server is PostgreSQL %(server)d and the backup is of PostgreSQL %(backup)d: an older server cannot take it"
)
VERSION_NEW = gettext_noop(
    "The server is PostgreSQL %(server)d and the programs of this installation are %(ours)d: update Bonança first"
)
STANDBY = gettext_noop("The server is a standby: nothing can be written on it")
RIGHTS_OK = gettext_noop("The login may create, rename and end what it must")
RIGHTS_CREATE = gettext_noop("The login may not create databases: it needs CREATEDB")
RIGHTS_RENAME = gettext_noop("The login may not rename %(name)s: it must own it, or be a member of its owner")
RIGHTS_END = gettext_noop("The login may not end others' sessions: it needs pg_signal_backend")
NAME_FREE = gettext_noop("The name %(name)s is free")
NAME_OURS = gettext_noop("%(name)s is there from an earlier restore: it will be kept under another name")
NAME_TAKEN = gettext_noop("There is a database %(name)s, and no restore made it: choose another name")
NAME_LIVE = gettext_noop("%(name)s is the service's own database: ask for a swap to replace it")
NAME_SERVER = gettext_noop("%(name)s belongs to the server itself")
REPLACED = gettext_noop("%(name)s will be replaced and kept: what was written after the backup stays in the kept one")
SESSIONS = gettext_noop("%(count)d open sessions will be ended at the swap; new ones wait and meet the restored data")
PREPARED = gettext_noop("Prepared transactions keep %(name)s from being renamed: %(which)s. Commit or roll them back")
SLOTS = gettext_noop("Replication slots keep %(name)s from being renamed: %(which)s. Drop them, or move their readers")


def judge(
    service: ServiceView,
    backup: BackupView,
    target: Target,
    *,
    mode: RestoreMode,
    database: str,
    identity_file: Path | None,
    part: RestorePart = RestorePart.DATABASE,
    folder: str = "",
) -> tuple[Finding, ...]:
    """Every question with its answer; one that could not be asked is an answer too.

    Raises:
        NoDatabaseDeclared: the service has no database to restore beside.
    """
    found = _backup(service, backup, target, identity_file)
    if part is not RestorePart.DATABASE:
        other_moment = part is RestorePart.EVERYTHING and target.kind != "backup"
        found += judge_files(backup, mode=mode, folder=folder, other_moment=other_moment)
    if part is not RestorePart.FILES:
        found += _where(service, backup, mode, database)
    return tuple(found)


def _where(service: ServiceView, backup: BackupView, mode: RestoreMode, database: str) -> list[Finding]:
    """What the service's server says."""
    declared, found = database_of(service), list[Finding]()
    if not backup.database:
        return [finding("backup", NO, NO_DATABASE)]
    if unreadable := register_problem(service):
        found.append(finding("privacy", NO, NOT_ANSWERED, what="privacy.erasures", why=unreadable))
    try:
        refuse_own_server(declared.dsn())
        seen = survey(declared.dsn())
        found += _server(backup, seen)
        found += _rights(declared.name, mode, seen)
        found += _name(declared, mode, database, seen)
        found += _sessions(declared.name, mode, seen)
    except OwnServer:
        found.append(finding("server", NO, OWN_SERVER))
    except BonancaError as problem:
        found.append(finding("server", NO, NOT_ANSWERED, **unanswered(declared.name, problem)))
    return found


def identities_for(service: ServiceView, given: Path | None, *, engine: str) -> tuple[str, ...]:
    """The private keys of the file that was given, or of the one that the service declares; an engine that keeps its
    backups itself needs none of ours.

    Raises:
        IdentityUnreadable: there is none, or it cannot be read.
    """
    if engine in OUTSIDE:
        return ()
    file = given or (service.backup.identity_file if service.backup else None)
    if file is None:
        raise IdentityUnreadable(_("no identity file was given, and the service declares none"))
    return read_identity_file(file)


def _backup(service: ServiceView, backup: BackupView, target: Target, identity_file: Path | None) -> list[Finding]:
    if backup.state not in RESTORABLE:
        return [finding("backup", NO, STATE_BAD, step=backup.state.value)]
    try:
        engine = engine_named(backup.engine)
        identities: Sequence[str] = identities_for(service, identity_file, engine=backup.engine)
        found = engine.findings(service, backup, target, identities)
    except IdentityUnreadable as problem:
        return [finding("key", NO, NO_KEY, why=str(problem))]
    except BonancaError as problem:
        return [finding("backup", NO, NOT_ANSWERED, what=backup.object_name, why=str(problem))]
    needed, folder = engine.room(backup, target), folders.root()
    free = shutil.disk_usage(folder).free
    sizes = {"free_mb": free // 1_000_000, "needed_mb": -(-needed // 1_000_000), "folder": str(folder)}
    found.append(finding("room", OK if free >= needed else NO, ROOM_HERE if free >= needed else NO_ROOM_HERE, **sizes))
    return found


def _server(backup: BackupView, seen: Survey) -> list[Finding]:
    if seen.in_recovery:
        return [finding("server", NO, STANDBY)]
    versions = {"server": seen.version, "backup": backup.server_version, "ours": dump_version()}
    if seen.version > dump_version():
        found = [finding("version", NO, VERSION_NEW, **versions)]
    elif seen.version < backup.server_version:
        found = [finding("version", NO, VERSION_OLD, **versions)]
    else:
        found = [finding("version", OK, VERSION_OK, **versions)]
    needed = int(backup.database_bytes * ROOM_FACTOR)
    sizes = {"needed_mb": -(-needed // 1_000_000), "free_mb": (seen.free_bytes or 0) // 1_000_000}
    if seen.free_bytes is None:
        found.append(finding("server_room", UNKNOWN, ROOM_UNSEEN, **sizes))
    else:
        enough = seen.free_bytes >= needed
        found.append(finding("server_room", OK if enough else NO, ROOM_THERE if enough else NO_ROOM_THERE, **sizes))
    return found


def _rights(live: str, mode: RestoreMode, seen: Survey) -> list[Finding]:
    wrong = []
    if not seen.may_create:
        wrong.append(finding("rights", NO, RIGHTS_CREATE))
    if mode is RestoreMode.SWAP and not seen.may_rename:
        wrong.append(finding("rights_rename", NO, RIGHTS_RENAME, name=live))
    if mode is RestoreMode.SWAP and not seen.may_end_sessions:
        # Its own sessions it may end; whose the service's are, nobody knows before.
        wrong.append(finding("rights_end", UNKNOWN, RIGHTS_END))
    return wrong or [finding("rights", OK, RIGHTS_OK)]


def _name(declared: DatabaseSpec, mode: RestoreMode, database: str, seen: Survey) -> list[Finding]:
    if mode is RestoreMode.SWAP:
        there = declared.name in seen.databases
        return [finding("name", OK, REPLACED if there else NAME_FREE, name=declared.name)]
    if database == declared.name:
        return [finding("name", NO, NAME_LIVE, name=database)]
    if database in (MAINTENANCE, "template0", "template1"):
        return [finding("name", NO, NAME_SERVER, name=database)]
    if database not in seen.databases:
        return [finding("name", OK, NAME_FREE, name=database)]
    ours = effects_on(declared.dsn(), [database], ["place", "swap"])
    return [finding("name", OK if ours else NO, NAME_OURS if ours else NAME_TAKEN, name=database)]


def _sessions(live: str, mode: RestoreMode, seen: Survey) -> list[Finding]:
    if mode is not RestoreMode.SWAP:
        return []
    found = [finding("sessions", OK, SESSIONS, count=seen.sessions)]
    which: Callable[[tuple[str, ...]], str] = ", ".join
    if seen.prepared:
        found.append(finding("prepared", NO, PREPARED, name=live, which=which(seen.prepared)))
    if seen.slots:
        found.append(finding("slots", NO, SLOTS, name=live, which=which(seen.slots)))
    return found
