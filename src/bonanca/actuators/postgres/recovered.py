"""A restored data directory as a server of our own: recovered to a target, reachable by nobody but us.

It listens on no network, only on a socket in a private folder, so nothing has to be known of its roles' passwords. It
archives nothing: the timeline that it begins by being promoted exists in this folder alone, so the same target can be
restored again and again from the same archive.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.utils.translation import gettext as _
from psycopg.conninfo import make_conninfo

from bonanca.actuators.postgres.binaries import pg_bin_of, pg_environment
from bonanca.actuators.postgres.leftovers import end_servers, forget_shared_memory
from bonanca.actuators.postgres.lifeline import dying_with_parent, spawn
from bonanca.actuators.postgres.sandbox import choose_sandbox
from bonanca.kernel.errors import Unavailable

_LOOK_EVERY_S = 0.1
_PORT = 5432
_NOT_REACHED = "recovery ended before configured recovery target was reached"


class RecoveryFailed(Unavailable):
    """The server did not come up at its target; the message carries what it said last."""


class TargetNotReached(RecoveryFailed):
    """All of the log was replayed, and the target was not in it."""


@contextmanager
def recovered_server(
    home: Path,
    *,
    version: int,
    superuser: str,
    wal: Path | None,
    target: Mapping[str, str],
    restore_command: str = "",
    watch: Callable[[str], None] = lambda text: None,
) -> Iterator[str]:
    """Start the data directory `home`/data, recover it to the target, promote it; ends and forgets it at the end.

    Args:
        wal: folder with the segments (and histories) that the archive gave back; None: those in the backup suffice.
        restore_command: instead of `wal`: what gives the server a segment.
        target: recovery_target_… settings without that prefix ("time", "lsn", "name", "timeline", "" for immediate).
        watch: told now and then where it stands; what it raises ends the server.

    Yields:
        The DSN of its database postgres, as its superuser.

    Raises:
        PostgresMissing, CannotRunPostgres, RecoveryFailed, TargetNotReached.
    """
    data = home / "data"
    sandbox = choose_sandbox(home)
    # A path of a socket has at most 107 bytes, and homes may be deep.
    sockets = Path(tempfile.mkdtemp(prefix="bonanca-"))
    child: subprocess.Popen[bytes] | None = None
    try:
        _prepare(home, restore_command or _copying(wal), target)
        sandbox.give(sockets)
        _give_all(sandbox.give, home)
        settings = _settings(home, sockets)
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command = [str(pg_bin_of(version, "postgres")), "-D", str(data), *options]
        argv = sandbox.argv(dying_with_parent(command, "KILL"))
        with (home / "log").open("ab") as log:
            child = spawn(
                lambda: subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=pg_environment(), cwd="/", start_new_session=True,
                )
            )  # fmt: skip
        dsn = make_conninfo(host=str(sockets), port=_PORT, user=superuser, dbname="postgres")
        _wait(child, dsn, home / "log", watch)
        yield dsn
    finally:
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGQUIT)  # it is thrown away: nothing has to be written
            child.wait()
        end_servers(data)
        forget_shared_memory(data)
        shutil.rmtree(sockets, ignore_errors=True)


def _copying(wal: Path | None) -> str:
    # A standby's restore_command may not be given for a server that only has to become consistent.
    return f"cp {shlex.quote(str(wal) + '/').replace('%', '%%')}%f %p" if wal is not None else "false"


def _prepare(home: Path, restore_command: str, target: Mapping[str, str]) -> None:
    data = home / "data"
    data.chmod(0o700)
    lines = ["archive_mode = off", "hot_standby = off", "fsync = off", "full_page_writes = off"]
    lines.append(f"restore_command = '{_quoted(restore_command)}'")
    lines += [f"recovery_target{'_' + key if key else ''} = '{_quoted(value)}'" for key, value in target.items()]
    lines.append("recovery_target_action = 'promote'")
    (home / "postgresql.conf").write_text("\n".join(lines) + "\n")
    (home / "pg_hba.conf").write_text("local all all trust\n")
    (home / "pg_ident.conf").write_text("")
    # What the original server was told (memory, libraries, addresses) is not for this machine.
    (data / "postgresql.auto.conf").write_text("")
    (data / "recovery.signal").touch()
    for stale in ("standby.signal", "postmaster.pid", "postmaster.opts"):
        (data / stale).unlink(missing_ok=True)


def _settings(home: Path, sockets: Path) -> dict[str, str]:
    return {
        "config_file": str(home / "postgresql.conf"),
        "hba_file": str(home / "pg_hba.conf"),
        "ident_file": str(home / "pg_ident.conf"),
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "port": str(_PORT),
        "shared_memory_type": "mmap",
        "dynamic_shared_memory_type": "mmap",
        "shared_buffers": "128MB",
        # Recovery checks these only for standbys that answer; transactions that were prepared must fit in.
        "max_prepared_transactions": "200",
        "logging_collector": "off",
        "log_destination": "stderr",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }


def _give_all(give: Callable[[Path], None], home: Path) -> None:
    for folder, names, files in os.walk(home):
        for name in (*names, *files):
            path = Path(folder) / name
            if not path.is_symlink():
                give(path)
    give(home)


def _wait(child: subprocess.Popen[bytes], dsn: str, log: Path, watch: Callable[[str], None]) -> None:
    while True:
        if child.poll() is not None:
            said = _tail(log)
            failed = TargetNotReached if _NOT_REACHED in said else RecoveryFailed
            raise failed(_("The restored server ended while it recovered. It said last: %(said)s") % {"said": said})
        try:
            with psycopg.connect(dsn, connect_timeout=5, autocommit=True) as connection:
                row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
            if row == (False,):
                return
        except psycopg.OperationalError:
            pass  # not yet: it replays
        watch(_tail(log, 1))
        time.sleep(_LOOK_EVERY_S)


def _tail(log: Path, lines: int = 8) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
        return "\n".join(file.read().decode(errors="replace").strip().splitlines()[-lines:])


def _quoted(value: str) -> str:
    return value.replace("'", "''")
