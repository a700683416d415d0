"""The receivers of services' write-ahead logs: children of this worker, one a service, by pg_receivewal with a slot.

The slot makes the server keep what was not received yet, so a receiver that was down misses nothing (and a server
whose receiver stays down fills its disk: its lag is on the page). A lock on the folder keeps a second worker of this
machine from starting a second one; on another machine the slot itself refuses it.
"""

from __future__ import annotations

import fcntl
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from bonanca.actuators.postgres.binaries import pg_bin
from bonanca.actuators.postgres.dump import without_password
from bonanca.actuators.postgres.lifeline import dying_with_parent, spawn
from bonanca.actuators.postgres.sessions import Connection, maintenance_dsn, one, session
from bonanca.kernel.errors import Unavailable

_TAIL_BYTES = 2000
_REMOVED = "has already been removed"


class ReceiverEnded(Unavailable):
    """pg_receivewal ended; the message carries what it said last."""


@dataclass
class _Receiver:
    child: subprocess.Popen[bytes]
    lock: IO[bytes]
    log: Path
    # The transaction that was next when the log was switched last: nothing new, nothing to switch.
    switched_xid: str = ""


@dataclass(frozen=True)
class Standing:
    """How far the receiver is behind what the server has flushed. `here`: it is this process's."""

    running: bool
    lag_bytes: int | None
    here: bool


_receivers: dict[Path, _Receiver] = {}


def slot_name(service: str) -> str:
    """The replication slot of a service's receiver: letters, digits and _, at most 63."""
    return re.sub(r"[^a-z0-9_]", "_", f"bonanca_{service.lower()}")[:63]


def keep_receiving(dsn: str, folder: Path, slot: str) -> Standing:
    """Have the log received into `folder`; starts what is not running, and says how it stands.

    Raises:
        DatabaseUnreachable. ReceiverEnded: it ended since the last look (it is started again at the next).
    """
    with session(maintenance_dsn(dsn), name="bonanca wal") as connection:
        if one(connection, "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", (slot,)) is None:
            connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", (slot,))
        known = _receivers.get(folder)
        if known is not None and known.child.poll() is not None:
            said = _said(known.log)
            _forget(folder)
            if _REMOVED in said:
                _begin_anew(connection, folder, slot)
                raise ReceiverEnded(
                    _("The server has removed log that was not received yet: the archive has a gap from here on."),
                    hint=_("Take a backup now: from it on one can go back to any moment again."),
                )
            raise ReceiverEnded(_("pg_receivewal ended: %(said)s") % {"said": said})
        if known is None:
            known = _start(dsn, folder, slot)
        active = bool(one(connection, "SELECT active FROM pg_replication_slots WHERE slot_name = %s", (slot,)))
        return Standing(active, _lag(connection, slot), known is not None)


def switch_when_written(dsn: str, folder: Path) -> bool:
    """End the segment that is being written when there was a transaction since the last time; needs the right to.

    Raises:
        DatabaseUnreachable.
    """
    known = _receivers.get(folder)
    if known is None:
        return False
    with session(maintenance_dsn(dsn), name="bonanca wal") as connection:
        allowed = one(connection, "SELECT has_function_privilege('pg_switch_wal()', 'EXECUTE')")
        xid = str(one(connection, "SELECT pg_snapshot_xmax(pg_current_snapshot())"))
        if not allowed or xid == known.switched_xid:
            return False
        connection.execute("SELECT pg_switch_wal()")
        known.switched_xid = xid
        return True


def stop_receiving(folder: Path) -> None:
    """End this process's receiver of the folder; its slot stays, so nothing is missed."""
    known = _receivers.get(folder)
    if known is not None:
        known.child.terminate()
        known.child.wait()
        _forget(folder)


def received_here() -> list[Path]:
    """The folders into which this process receives."""
    return list(_receivers)


def _start(dsn: str, folder: Path, slot: str) -> _Receiver | None:
    lock = (folder.parent / f"{folder.name}.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None  # another worker of this machine has it
    address, environment = without_password(maintenance_dsn(dsn))
    command = [
        *(str(pg_bin("pg_receivewal")), f"--directory={folder}", f"--slot={slot}", "--no-loop", "--no-password"),
        # Flushed and confirmed as it comes, not at the end of a segment: the lag is what would really be lost.
        *("--synchronous", "--status-interval=1", f"--dbname={address}"),
    ]
    argv = dying_with_parent(command, "TERM")
    log = folder.parent / f"{folder.name}.log"

    def job() -> subprocess.Popen[bytes]:
        with log.open("wb") as out:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, cwd="/", pass_fds=()
            )

    known = _Receiver(spawn(job), lock, log)
    _receivers[folder] = known
    return known


def _begin_anew(connection: Connection, folder: Path, slot: str) -> None:
    """Go on from where the server is now: what it no longer has (somebody dropped the slot) cannot be waited for."""
    for left in folder.glob("*.partial"):
        left.unlink()
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s AND NOT active",
        (slot,),
    )


def _lag(connection: Connection, slot: str) -> int | None:
    query = """
        SELECT greatest(0, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), restart_lsn))::bigint
        FROM pg_replication_slots WHERE slot_name = %s
    """
    found = one(connection, query, (slot,))
    return None if found is None else int(found)


def _forget(folder: Path) -> None:
    _receivers.pop(folder).lock.close()


def _said(log: Path) -> str:
    return log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip() or "-"
