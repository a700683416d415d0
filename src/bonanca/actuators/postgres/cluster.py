"""A PostgreSQL server of our own: a foreground child on loopback TCP that dies with its parent.

Everything it leaves is inside `home`: data/ (the cluster), log/, and the files `port` and `password` that other
processes of the machine read to reach it. No Unix socket, SCRAM only, generated password.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import quote

from bonanca.actuators.postgres.binaries import pg_bin, pg_environment
from bonanca.actuators.postgres.leftovers import (
    end_servers,
    forget_shared_memory,
    postmaster_of,
    read_pid_file,
    server_processes,
)
from bonanca.actuators.postgres.lifeline import dying_with_parent, spawn
from bonanca.actuators.postgres.ports import PortTaken, free_port, port_is_free
from bonanca.actuators.postgres.sandbox import Sandbox, choose_sandbox
from bonanca.kernel.errors import Conflict, Unavailable

_LOG_LIMIT_BYTES = 16 * 1024 * 1024
_ALWAYS = {
    "listen_addresses": "127.0.0.1",
    # Sockets would need a directory that others can enter, and a path of at most 107 bytes.
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    # Nothing outside home, even after SIGKILL: POSIX segments would stay in /dev/shm, which containers keep tiny.
    "shared_memory_type": "mmap",
    "dynamic_shared_memory_type": "mmap",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] ",
}
# Commits still reach the kernel before they are confirmed: a SIGKILL loses none, only a power cut could.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class ClusterBusy(Conflict):
    """Another living process runs the server of this home."""


class ClusterFailed(Unavailable):
    """The server could not be created, did not start, or is not there; the message carries the end of its log."""


class Cluster:
    """One PostgreSQL server below `home`.

    `port` None means: the one of last time, else a free one, remembered in home/port. A port that is given is kept,
    and refused with PortTaken when another process has it. Not thread-safe: one owner starts and stops it.
    """

    def __init__(self, home: Path, *, port: int | None = None, superuser: str = "postgres") -> None:
        self.home = home.absolute()
        self.data = self.home / "data"
        self.superuser = superuser
        self._given_port = port
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None
        self._sandbox: Sandbox | None = None
        self._durable = True

    def __repr__(self) -> str:
        return f"Cluster({str(self.home)!r})"

    # -- what others need to reach it ----------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1. Raises ClusterFailed before the first start."""
        if self._given_port is not None:
            return self._given_port
        with contextlib.suppress(OSError, ValueError):
            return int((self.home / "port").read_text())
        raise ClusterFailed(f"{self.home} has no port yet.", hint="Start the server first.")

    @property
    def password(self) -> str:
        """The superuser's generated password. Raises ClusterFailed before `init()`."""
        try:
            return (self.home / "password").read_text().strip()
        except OSError as problem:
            raise ClusterFailed(f"{self.home} has no readable password file ({problem.strerror}).") from problem

    def dsn(self, dbname: str = "postgres") -> str:
        """Return postgresql://superuser:password@127.0.0.1:port/dbname; it may be asked by any process of the owner."""
        return f"postgresql://{quote(self.superuser)}:{self.password}@127.0.0.1:{self.port}/{quote(dbname)}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, whoever started it; None when the server does not run."""
        if self._child is not None:
            return self._child.pid if self._child.poll() is None else None
        return postmaster_of(self.data)

    @property
    def exit_code(self) -> int | None:
        """How the server that this object started ended; None while it runs, or when it was never started here."""
        return self._child.poll() if self._child is not None else None

    # -- create --------------------------------------------------------------------------------------------------

    def init(self, *, durable: bool = True) -> None:
        """Create the cluster unless it exists; a creation that was interrupted is done again from the start.

        Raises:
            ClusterFailed: initdb refused; CannotRunPostgres: nobody unprivileged can run it here.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        if (self.data / "PG_VERSION").exists():
            return
        with self._owned():
            if (self.data / "PG_VERSION").exists():
                return  # somebody else created it while we waited for the lock
            self._init(durable)

    def _init(self, durable: bool) -> None:
        for unfinished in self.home.glob("data.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        sandbox = choose_sandbox(self.home)
        building = self.home / f"data.new-{secrets.token_hex(4)}"
        building.mkdir(mode=0o700)
        sandbox.give(building)
        password = secrets.token_urlsafe(24)
        handed = self.home / f"{building.name}.password"
        try:
            _write_private(handed, password)
            sandbox.give(handed)
            command = [
                *(str(pg_bin("initdb")), "--pgdata", str(building), "--username", self.superuser),
                *("--auth=scram-sha-256", f"--pwfile={handed}", "--encoding=UTF8"),
                # The collation is PostgreSQL's own: an upgrade of the system's C library cannot corrupt an index.
                *("--locale=C", "--no-instructions", *_locale_provider(), *(() if durable else ("--no-sync",))),
            ]
            argv = sandbox.argv(dying_with_parent(command, "KILL"))
            child = spawn(
                lambda: subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    env=pg_environment(), cwd="/", start_new_session=True,
                )
            )  # fmt: skip
            try:
                said, _ = child.communicate()
            except BaseException:
                # Ctrl-C: initdb has children of its own, and nobody would wait for them.
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                raise
            if child.returncode != 0:
                raise ClusterFailed(f"initdb failed in {self.home}: {_tail(said.decode(errors='replace'))}")
            _write_private(self.home / "password", password)
            building.rename(self.data)
        finally:
            handed.unlink(missing_ok=True)
            if building.exists():
                shutil.rmtree(building, ignore_errors=True)

    # -- run -----------------------------------------------------------------------------------------------------

    def argv(self) -> list[str]:
        """Return the whole command of the server, as the unprivileged user, tied to this process's life."""
        if self._sandbox is None:
            self._sandbox = choose_sandbox(self.home)
        settings = _ALWAYS | ({} if self._durable else _NOT_DURABLE) | {"port": str(self.port)}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command = [str(pg_bin("postgres")), "-D", str(self.data), *options]
        # SIGINT is a fast, clean shutdown: the next start needs no recovery.
        return self._sandbox.argv(dying_with_parent(command, "INT"))

    def start(self, *, durable: bool = True) -> None:
        """Start the server as a child and return at once; `wait_ready` tells when it answers.

        A server that a killed owner left behind on this home is stopped first. `durable=False` (tests, scratch
        restores) gives up surviving a power cut, never a kill.

        Raises:
            ClusterBusy: a living process owns this home; PortTaken: the port that was asked for is in use;
            ClusterFailed: there is no cluster yet.
        """
        if self._child is not None and self._child.poll() is None:
            return
        if not (self.data / "PG_VERSION").exists():
            raise ClusterFailed(f"There is no cluster in {self.data}.", hint="Call init() first.")
        self._durable = durable
        if self._lock is None:
            self._lock = self._take_lock()
        try:
            end_servers(self.data)  # we hold the lock: whatever still runs here has lost its owner
            self._settle_port()
            self._launch()
        except BaseException:
            self._release()
            raise

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Return once the server accepts connections.

        Raises:
            ClusterFailed: it ended, or did not answer in time; the message carries the end of its log.
            PortTaken: the port that was asked for was taken at the last moment.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            child, stated = self._child, read_pid_file(self.data)
            if child is None:
                if stated is not None and stated.ready and postmaster_of(self.data) is not None:
                    return
            elif child.poll() is not None:
                self._explain_or_try_again(child)
            elif stated is not None and stated.pid == child.pid and stated.ready:
                return
            if time.monotonic() > deadline:
                raise ClusterFailed(f"PostgreSQL in {self.home} was not ready in {timeout_s:g} s.{self._log_note()}")
            time.sleep(0.02)

    def stop(self, timeout_s: float = 30.0) -> None:
        """Shut the server down (fast, then harder when it does not end in time) and let the home go."""
        child, self._child = self._child, None
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGINT)
            for patience_s, harder in ((timeout_s, signal.SIGQUIT), (5.0, signal.SIGKILL)):
                try:
                    child.wait(patience_s)
                    break
                except subprocess.TimeoutExpired:
                    child.send_signal(harder)
            child.wait()
        end_servers(self.data)
        forget_shared_memory(self.data)
        self._release()

    def kill(self) -> None:
        """SIGKILL the server, as a crash would; `start()` recovers. The home stays ours when we started it."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._child is not None:
            self._child.wait()

    def log_tail(self, lines: int = 12) -> str:
        """Return the last lines of the server's log, or an empty string."""
        try:
            with (self.home / "log" / "postgres.log").open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 16_384))
                return _tail(log.read().decode(errors="replace"), lines)
        except OSError:
            return ""

    # -- inside --------------------------------------------------------------------------------------------------

    def _launch(self) -> None:
        folder = self.home / "log"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / "postgres.log"
        if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
            path.replace(folder / "postgres.log.1")
        argv = self.argv()
        with path.open("ab") as log:
            self._log_start = log.tell()
            # A session of its own: Ctrl-C in the terminal reaches our owner, which stops us last.
            self._child = spawn(
                lambda: subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=pg_environment(), cwd="/", start_new_session=True,
                )
            )  # fmt: skip

    def _settle_port(self) -> None:
        """Keep the given port or refuse it; without one keep last time's, or choose and remember another."""
        if self._given_port is not None:
            if not port_is_free(self._given_port):
                raise PortTaken(
                    f"Port {self._given_port} on 127.0.0.1 is taken.",
                    field="port",
                    hint="Choose another, or leave it out and a free one is found.",
                )
            port = self._given_port
        else:
            try:
                port = self.port
            except ClusterFailed:
                port = 0
            if not port or not port_is_free(port):
                port = free_port()
        _write_private(self.home / "port", f"{port}\n")

    def _explain_or_try_again(self, child: subprocess.Popen[bytes]) -> None:
        said = self._said_since_start()
        if "could not bind" in said and self._given_port is not None:
            raise PortTaken(f"Port {self._given_port} on 127.0.0.1 was taken while PostgreSQL started.", field="port")
        # Another process took the free port first, or children of a killed server were still letting go.
        if "could not bind" in said or "pre-existing shared memory block" in said:
            end_servers(self.data)
            self._settle_port()
            self._launch()
            return
        raise ClusterFailed(f"PostgreSQL in {self.home} ended with code {child.returncode}.{self._log_note()}")

    def _said_since_start(self) -> str:
        with (self.home / "log" / "postgres.log").open("rb") as log:
            log.seek(self._log_start)
            return log.read(65_536).decode(errors="replace")

    def _log_note(self) -> str:
        tail = self.log_tail()
        return f" Its log ends with:\n{tail}" if tail else ""

    def _take_lock(self) -> IO[bytes]:
        lock = (self.home / "lock").open("ab")
        try:
            # The kernel drops it when we die, however we die.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            lock.close()
            pids = ", ".join(map(str, server_processes(self.data)[:1])) or "not started yet"
            raise ClusterBusy(
                f"The PostgreSQL of {self.home} is run by another process (server process: {pids}).",
                hint="Stop that one first, or use another BONANCA_HOME.",
            ) from problem
        return lock

    @contextlib.contextmanager
    def _owned(self) -> Iterator[None]:
        held = self._lock is not None
        if not held:
            self._lock = self._take_lock()
        try:
            yield
        finally:
            if not held:
                self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _locale_provider() -> tuple[str, ...]:
    # PostgreSQL 16, the fallback of the wheel, does not know it yet.
    return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if "18" in pg_bin("initdb").parts[-3] else ()


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, so that a reader never sees half of it."""
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
