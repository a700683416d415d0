"""A server's data directory as a whole: who may be running in it, and how one that was restored is to be started."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from bonanca.actuators.postgres.binaries import PostgresMissing, pg_bin_of

LOG = "bonanca_wal"
# What was laid out came from a backup: a link in it is not written through.
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_DEBIAN = Path("/etc/postgresql")
_ENDS = ("", "_action", "_timeline", "_time", "_lsn", "_name")


def version_of(data: Path) -> int | None:
    """The major version that the directory is of; None: it is no data directory."""
    try:
        return int((data / "PG_VERSION").read_text().split(".")[0])
    except (OSError, ValueError):
        return None


def prepare_recovery(data: Path, log: Path | None, target: Mapping[str, str]) -> None:
    """Have the server of `data` replay `log` (moved into it) up to the target when it starts, and then go on alone.

    Args:
        target: recovery_target_… settings without that prefix ("time", "lsn", "name", "timeline", "" for immediate).
    """
    command = "false"
    if log is not None:
        log.rename(data / LOG)
        command = f"cp {LOG}/%f %p"  # run in the data directory
    settings = {"restore_command": command, "recovery_target_action": "promote"}
    settings |= {f"recovery_target{'_' + key if key else ''}": value for key, value in target.items()}
    with os.fdopen(os.open(data / "postgresql.auto.conf", _APPEND, 0o600), "a") as out:
        out.write("\n# Written by a restore of the whole server; not needed once it has been promoted.\n")
        for key, value in settings.items():
            quoted = value.replace("'", "''")
            out.write(f"{key} = '{quoted}'\n")
    os.close(os.open(data / "recovery.signal", _APPEND, 0o600))
    for stale in ("standby.signal", "postmaster.pid", "postmaster.opts"):
        (data / stale).unlink(missing_ok=True)


def never_started(data: Path) -> bool:
    """Whether no server has run on what `prepare_recovery` left."""
    return (data / "recovery.signal").exists() and (data / "backup_label").exists()


def give_all(data: Path, uid: int, gid: int) -> None:
    """Make everything in it belong to who runs the server, no link followed. Raises OSError."""
    # The inner first: nobody else can change anything in it before it is all given.
    for _above, folders, files, handle in os.fwalk(data, topdown=False, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, uid, gid, dir_fd=handle, follow_symlinks=False)
    os.chown(data, uid, gid, follow_symlinks=False)


def start_commands(data: Path, version: int, owner: str) -> tuple[str, ...]:
    """What one types to start it, and to clear up once it has been promoted."""
    quoted = shlex.quote(str(data))
    cluster = _debian_cluster(data, version)
    if cluster is not None:
        start, psql = f"pg_ctlcluster {version} {cluster} start", f"sudo -u {owner} psql --cluster {version}/{cluster}"
    else:
        try:
            programs = pg_bin_of(version, "pg_ctl").parent
        except PostgresMissing:
            programs = Path(f"/usr/lib/postgresql/{version}/bin")
        start, psql = f"sudo -u {owner} {programs}/pg_ctl -D {quoted} -w -t 86400 start", f"sudo -u {owner} psql"
    settings = ("restore_command", *(f"recovery_target{end}" for end in _ENDS))
    resets = " ".join(f"-c 'ALTER SYSTEM RESET {name}'" for name in settings)
    return (
        start,
        f"{psql} -c 'SELECT pg_is_in_recovery()'    # f: it has been promoted",
        f"{psql} {resets}",
        f"rm -r {shlex.quote(str(data / LOG))}",
    )


def _debian_cluster(data: Path, version: int) -> str | None:
    """The cluster of Debian's wrapper whose configuration names the directory."""
    for file in _DEBIAN.glob(f"{version}/*/postgresql.conf"):
        found = re.search(r"(?m)^\s*data_directory\s*=\s*'([^']+)'", file.read_text(errors="replace"))
        if found and Path(found.group(1)) == data:
            return file.parent.name
    return None
