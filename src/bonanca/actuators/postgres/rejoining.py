"""An old primary becomes a standby of the new one, in its data folder on this machine.

`pg_rewind` brings back only what the two servers differ in (seconds to minutes); it needs checksums or wal_log_hints,
and throws away what only the old primary has. Else the new primary is copied whole (`pg_basebackup`), and the old
folder is kept beside it under another name. What a worker that died in the middle of a rewind left is never trusted
again: it is kept like any other replaced folder, and copied anew.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bonanca.actuators.files.atomic import sync_folder, write_atomic
from bonanca.actuators.postgres.binaries import pg_bin_of, pg_environment
from bonanca.actuators.postgres.dump import without_password
from bonanca.actuators.postgres.leftovers import server_processes
from bonanca.actuators.postgres.sandbox import NOBODY
from bonanca.actuators.postgres.sessions import maintenance_dsn
from bonanca.durable.commands import run
from bonanca.kernel.errors import Conflict, Unavailable

# Of a server that keeps its settings in its data folder; a rewind would replace them with the other server's.
SETTINGS = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
SIGNAL = "standby.signal"
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
        PostgresMissing: there are no programs of its version here.
    """
    try:
        version = int((data / "PG_VERSION").read_text().strip().partition(".")[0])
        _as_owner(data)
    except (OSError, ValueError) as error:
        raise NoDataFolder(
            _("There is no data folder of PostgreSQL at %(path)s that this worker could work in (%(reason)s).")
            % {"path": data, "reason": getattr(error, "strerror", None) or error},
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


def rewind(folder: Folder, source_dsn: str, *, timeout_s: float, watch: Watch) -> None:
    """Make the stopped server's files those of the new primary, where they differ.

    Raises:
        CommandFailed: pg_rewind said why; the folder is of no use then, as after a death in the middle.
    """
    kept = {name: (folder.data / name).read_bytes() for name in SETTINGS if (folder.data / name).is_file()}
    _rewind(folder, source_dsn, [], timeout_s=timeout_s, watch=watch)
    for name, content in kept.items():
        write_atomic(folder.data / name, content)


def copy(folder: Folder, source_dsn: str, keep_as: Path, *, timeout_s: float, watch: Watch) -> None:
    """Copy the new primary beside the stopped server's folder, then take its place; the old folder is `keep_as`.

    May be called again after a death at any moment.

    Raises:
        CommandFailed: pg_basebackup said why; the old folder is untouched.
    """
    data = folder.data
    fresh = data.with_name(f"{keep_as.name}.new")
    if data.exists() and not keep_as.exists():
        if fresh.exists():
            shutil.rmtree(fresh)
        _like(data, fresh)
        address, environment = without_password(maintenance_dsn(source_dsn))
        arguments = [f"--pgdata={fresh}", f"--dbname={address}", "--wal-method=stream", "--checkpoint=fast"]
        arguments.append("--no-password")
        _program(data, folder.version, "pg_basebackup", arguments, timeout_s=timeout_s, watch=watch, env=environment)
        for name in SETTINGS:
            if (data / name).is_file():
                write_atomic(fresh / name, (data / name).read_bytes())
                shutil.copystat(data / name, fresh / name)
        data.rename(keep_as)
    if fresh.exists():
        fresh.rename(data)
    sync_folder(data.parent)


def follow(data: Path, source_dsn: str) -> None:
    """Say in the stopped server's folder that it is a standby, and of whom. The password is in a file of its owner's.

    That is where `pg_basebackup -R` writes it too.
    """
    settings = data / "postgresql.auto.conf"
    before = settings.read_text(encoding="utf-8") if settings.exists() else ""
    lines = [line for line in before.splitlines() if not line.strip().startswith("primary_conninfo")]
    wanted = {key: value for key, value in conninfo_to_dict(source_dsn).items() if key != "dbname"}
    address = make_conninfo("", **wanted, application_name="bonanca_standby")
    lines.append("primary_conninfo = '" + address.replace("\\", "\\\\").replace("'", "''") + "'")
    mode = 0o600
    write_atomic(settings, ("\n".join(lines) + "\n").encode(), mode=mode)
    write_atomic(data / SIGNAL, b"", mode=mode)
    for name in ("postgresql.auto.conf", SIGNAL):
        _give(data / name, data)


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
    owner, me = data.stat(), os.geteuid()
    if me == owner.st_uid != 0:
        return []
    if me != 0:
        raise PermissionError(13, _("it belongs to user %(uid)d") % {"uid": owner.st_uid})
    if owner.st_uid == 0:
        return ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
    groups = [f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
    return ["setpriv", *groups, "--"]


def _like(data: Path, fresh: Path) -> None:
    fresh.mkdir(mode=0o700)
    _give(fresh, data)


def _give(path: Path, data: Path) -> None:
    owner = data.stat()
    if os.geteuid() == 0 and path.stat().st_uid != owner.st_uid:
        os.chown(path, owner.st_uid, owner.st_gid)
