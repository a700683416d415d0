"""An old primary becomes a standby of the new one, in its data folder on this machine.

`pg_rewind` brings back only what the two servers differ in (seconds to minutes); it needs checksums or wal_log_hints,
and throws away what only the old primary has. Else the new primary is copied whole (`pg_basebackup`), and the old
folder is kept beside it under another name. What a worker that died in the middle of a rewind left is never trusted
again: it is kept like any other replaced folder, and copied anew.

The folder belongs to PostgreSQL's user, and a worker may be root: the programs run as that user, and what this process
itself reads and writes there goes through `files.held`, which follows none of that user's links.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bonanca.actuators.files.held import Held, HeldFolder, held, held_in
from bonanca.actuators.postgres.binaries import pg_bin_of, pg_environment
from bonanca.actuators.postgres.dump import without_password
from bonanca.actuators.postgres.leftovers import server_processes
from bonanca.actuators.postgres.sandbox import NOBODY
from bonanca.actuators.postgres.sessions import maintenance_dsn
from bonanca.durable.commands import run
from bonanca.durable.crashpoints import point
from bonanca.kernel.errors import Conflict, Unavailable

# Of a server that keeps its settings in its data folder; a rewind would replace them with the other server's.
OWN_SETTINGS = "postgresql.auto.conf"
SETTINGS = ("postgresql.conf", OWN_SETTINGS, "pg_hba.conf", "pg_ident.conf")
SIGNAL = "standby.signal"
_PRIVATE = 0o600
READ_TIMEOUT_S = 30.0

Watch = Callable[[], None]


class NoDataFolder(Unavailable):
    """The server's data folder is not on this machine, or this user may not work in it."""


class StillRuns(Conflict):
    """The server was told to stop and still runs."""


@dataclass(frozen=True)
class Folder:
    """What lies in a data folder. `can_rewind`: the server was set up so that a rewind is possible."""

    data: Path
    version: int
    system_identifier: str
    can_rewind: bool


def look_into(data: Path) -> Folder:
    """Read the folder's control file; the server may run or not.

    Raises:
        NoDataFolder: it is not here, or belongs to somebody as whom this process cannot work.
        LedElsewhere: it, or a file of it that will be written, is a link.
        PostgresMissing: there are no programs of its version here.
    """
    try:
        version = _version(data)
        _as_owner(data)
    except OSError as error:
        raise NoDataFolder(
            _("There is no data folder of PostgreSQL at %(path)s that this worker could work in (%(reason)s).")
            % {"path": data, "reason": error.strerror or error},
            hint=_("Run a worker on that machine, as root or as the user whom the folder belongs to."),
        ) from error
    said = _program(data, version, "pg_controldata", [str(data)], timeout_s=READ_TIMEOUT_S)
    facts = dict(re.findall(r"^(.+?):\s+(.*)$", said, re.MULTILINE))
    return Folder(
        data=data,
        version=version,
        system_identifier=facts["Database system identifier"].strip(),
        can_rewind=facts["wal_log_hints setting"].strip() == "on" or facts["Data page checksum version"].strip() != "0",
    )


def stop(data: Path, command: Sequence[str], *, timeout_s: float, watch: Watch) -> None:
    """Have the server stop, if it runs.

    Raises:
        CommandFailed. StillRuns: the command said that it worked, and processes of the server are there.
    """
    if not server_processes(data):
        return
    run(command, timeout_s=timeout_s, env=pg_environment(), cwd="/", watch=watch)
    if server_processes(data):
        raise StillRuns(_("The server of %(path)s was stopped and still runs.") % {"path": data})


def start(command: Sequence[str], *, timeout_s: float, watch: Watch) -> None:
    """Have the server start. Raises CommandFailed."""
    run(command, timeout_s=timeout_s, env=pg_environment(), cwd="/", watch=watch)


def common_checkpoint(folder: Folder, source_dsn: str, *, timeout_s: float, watch: Watch) -> str:
    """How far back a rewind of the stopped server would go (LSN). Nothing is touched.

    Raises:
        CommandFailed: pg_rewind said why it could not.
    """
    said = _rewind(folder, source_dsn, ["--dry-run"], timeout_s=timeout_s, watch=watch)
    found = re.search(r"last common checkpoint at ([0-9A-F]+/[0-9A-F]+)", said)
    return found[1] if found else ""


def settings_of(data: Path) -> dict[str, Held]:
    """The settings files of the folder, to be kept until it is a standby. Raises LedElsewhere, OSError."""
    with held(data) as folder:
        return _settings_of(folder)


def rewind(folder: Folder, source_dsn: str, *, settings: Mapping[str, Held], timeout_s: float, watch: Watch) -> None:
    """Make the stopped server's files those of the new primary, where they differ.

    Args:
        settings: what `settings_of` found before: pg_rewind replaces them too, and a process that dies meanwhile has
            to have them elsewhere.

    Raises:
        CommandFailed: pg_rewind said why; the folder is of no use then, as after a death in the middle.
    """
    with held(folder.data) as data:
        _rewind(folder, source_dsn, [], timeout_s=timeout_s, watch=watch)
        point("postgres.rewind.replaced")
        _put_settings(data, settings)


def copy(
    folder: Folder,
    source_dsn: str,
    keep_as: Path,
    *,
    settings: Mapping[str, Held] | None = None,
    timeout_s: float,
    watch: Watch,
) -> None:
    """Copy the new primary beside the stopped server's folder, then take its place; the old folder is `keep_as`.

    May be called again after a death at any moment.

    Args:
        settings: its own, where a rewind may have replaced them (default: those in the folder).

    Raises:
        CommandFailed: pg_basebackup said why; the old folder is untouched.
        LedElsewhere: a link is where a folder or a settings file should be; the old folder is untouched.
    """
    data = folder.data
    fresh = data.with_name(f"{keep_as.name}.new")
    with held(data.parent) as beside:
        if beside.has(data.name) and not beside.has(keep_as.name):
            with held_in(beside, data.name) as old:
                kept = _settings_of(old) if settings is None else settings
                if beside.has(fresh.name):
                    beside.remove_folder(fresh.name)
                beside.make_folder(fresh.name, uid=old.uid, gid=old.gid)
            address, environment = without_password(maintenance_dsn(source_dsn))
            arguments = [f"--pgdata={fresh}", f"--dbname={address}", "--wal-method=stream", "--checkpoint=fast"]
            arguments.append("--no-password")
            _program(
                data, folder.version, "pg_basebackup", arguments, timeout_s=timeout_s, watch=watch, env=environment
            )
            with held_in(beside, fresh.name) as new:
                _put_settings(new, kept)
            beside.rename(data.name, keep_as.name)
            point("postgres.copy_server.old_away")
        if beside.has(fresh.name):
            beside.rename(fresh.name, data.name)
        beside.sync()


def follow(data: Path, source_dsn: str) -> None:
    """Say in the stopped server's folder that it is a standby, and of whom. The password is in a file of its owner's.

    That is where `pg_basebackup -R` writes it too.

    Raises:
        LedElsewhere: one of the two files is a link; nothing was written through it.
    """
    with held(data) as folder:
        _say_standby(folder, source_dsn)


def _say_standby(folder: HeldFolder, source_dsn: str) -> None:
    before = folder.read(OWN_SETTINGS)
    old = before.data.decode("utf-8").splitlines() if before is not None else []
    lines = [line for line in old if not line.strip().startswith("primary_conninfo")]
    wanted = {key: value for key, value in conninfo_to_dict(source_dsn).items() if key != "dbname"}
    address = make_conninfo("", **wanted, application_name="bonanca_standby")
    lines.append("primary_conninfo = '" + address.replace("\\", "\\\\").replace("'", "''") + "'")
    folder.write(OWN_SETTINGS, ("\n".join(lines) + "\n").encode(), mode=_PRIVATE)
    folder.write(SIGNAL, b"", mode=_PRIVATE)


def _settings_of(folder: HeldFolder) -> dict[str, Held]:
    found = ((name, folder.read(name)) for name in SETTINGS)
    return {name: settings for name, settings in found if settings is not None}


def _put_settings(folder: HeldFolder, kept: Mapping[str, Held]) -> None:
    for name, settings in kept.items():
        folder.write(name, settings.data, mode=settings.mode, owner=(settings.uid, settings.gid))


def _version(data: Path) -> int:
    with held(data) as folder:
        found = folder.read("PG_VERSION")
        for name in (*SETTINGS, SIGNAL):
            folder.refuse_others(name)
    said = found.data.decode("ascii", "replace").strip().partition(".")[0] if found is not None else ""
    if not said.isdecimal():
        # What it says instead may be anything: not repeated.
        raise FileNotFoundError(errno.ENOENT, _("its PG_VERSION is missing or says no version"))
    return int(said)


def _rewind(folder: Folder, source_dsn: str, more: list[str], *, timeout_s: float, watch: Watch) -> str:
    address, environment = without_password(maintenance_dsn(source_dsn))
    arguments = [f"--target-pgdata={folder.data}", f"--source-server={address}", *more]
    return _program(
        folder.data, folder.version, "pg_rewind", arguments, timeout_s=timeout_s, watch=watch, env=environment
    )


def _program(
    data: Path,
    version: int,
    name: str,
    arguments: list[str],
    *,
    timeout_s: float,
    watch: Watch | None = None,
    env: dict[str, str] | None = None,
) -> str:
    command = [*_as_owner(data), str(pg_bin_of(version, name)), *arguments]
    done = run(command, timeout_s=timeout_s, env=env or pg_environment(), cwd="/", watch=watch)
    return done.text + done.stderr


def _as_owner(data: Path) -> list[str]:
    """What is put before a program so that it works in the folder: PostgreSQL's refuse root."""
    with held(data) as folder:
        uid, gid, me = folder.uid, folder.gid, os.geteuid()
    if me == uid != 0:
        return []
    if me != 0:
        raise PermissionError(errno.EACCES, _("it belongs to user %(uid)d") % {"uid": uid})
    if uid == 0:
        return ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--"]
