"""A connection to another host, for one step: commands through the guard, files through SFTP.

Synchronous outside; inside an event loop of its own that runs only while something is asked. What watches a long
command (`watch`) is called between slices of the loop, where Django's database may be used.
"""

from __future__ import annotations

import asyncio
import secrets
import stat as modes
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, TypeVar

import asyncssh
from django.utils.translation import gettext as _

from bonanca.actuators.command.output import Sink
from bonanca.actuators.ssh import guard
from bonanca.actuators.ssh.spec import SshHost
from bonanca.actuators.ssh.streams import Kept, all_of, left, let_go, pieces, tell
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from bonanca.kernel.errors import Conflict, Unavailable

T = TypeVar("T")

CONNECT_TIMEOUT_S = 10.0
# For one question to SFTP: slower than this is not a host that anything can be done on.
PIECE_TIMEOUT_S = 60.0
FILE_MAX_BYTES = 16 * 1024 * 1024
_SLICE_S = 0.25
_FENCE_WAIT_S = 60.0
# How long we wait for more from a command that has ended.
_HELD_S = 5.0


class HostUnreachable(Unavailable):
    """It does not answer at present; nothing more is known."""


class HostRefused(Conflict):
    """It answers and will not have us, or is not the one that it should be: trying again changes nothing."""


@dataclass(frozen=True)
class Ended:
    """How a command on the host ended; outputs are their ends. `code` None: by a signal."""

    code: int | None
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def said(self) -> str:
        """What it said last, for people."""
        return (self.stderr.strip() or self.stdout.strip())[-2000:]


@dataclass(frozen=True)
class RemoteFile:
    """A file of the host: its bytes, permission bits and owner."""

    data: bytes
    mode: int
    owner: tuple[int, int] | None


@contextmanager
def connected(spec: SshHost, *, timeout_s: float = CONNECT_TIMEOUT_S) -> Iterator[Session]:
    """Connect, and leave nothing behind.

    Raises:
        HostUnreachable: it does not answer, or stopped answering.
        HostRefused: its key is not the known one, it refuses ours, or our files are not there.
    """
    loop = asyncio.new_event_loop()
    connection: asyncssh.SSHClientConnection | None = None
    try:
        _own_files(spec)
        with _told(spec):
            connection = loop.run_until_complete(_connect(spec, timeout_s))
        yield Session(spec, connection, loop)
    finally:
        if connection is not None:
            connection.abort()
            loop.run_until_complete(_quietly(connection.wait_closed()))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class Session:
    """What one can do on the host."""

    def __init__(
        self, spec: SshHost, connection: asyncssh.SSHClientConnection, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.spec = spec
        self._connection = connection
        self._loop = loop
        self._sftp: asyncssh.SFTPClient | None = None
        # Folders that something was done under the fence of.
        self.fences: set[str] = set()

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        folder: str = "",
        input: IO[bytes] | None = None,
        scratch: str = "",
        fence: str = "",
        token: FenceToken | None = None,
        wait_s: float = _FENCE_WAIT_S,
        stdout: Sink | None = None,
        watch: Callable[[], None] | None = None,
    ) -> Ended:
        """Run a command to its end, `stdout` taking all of what it says.

        It reads `input` (a file, from where it stands), which lies without a name on the disk of `scratch` (a folder
        of the host) as long as it runs, and is gone with it. With `fence` (a folder of the host) and `token` it is the
        only one that acts there, and waits `wait_s` seconds for its turn.

        Raises:
            HostUnreachable: the connection broke, or it did not end in time (it is ended), or the fence is taken.
            Fenced: the plan has moved on. What `watch` raises ends the command and comes out.
        """
        acting: dict[str, Any] = {}
        if token is not None:
            patience_s = min(wait_s, timeout_s / 2)
            acting = {"fence": fence, "run": str(token.run_id), "epoch": token.epoch, "patience_s": patience_s}
            if token.verify is not None:
                token.verify()
        if input is not None:
            acting |= {"given": f"{scratch}/.input-{secrets.token_hex(16)}", "size": left(input)}
        text = guard.orders(argv, env=env or {}, folder=folder, **acting)
        process = self._ask(self._begin(), CONNECT_TIMEOUT_S)
        try:
            ended = self._follow(process, argv[0], timeout_s, watch, stdout, pieces(text, input))
        finally:
            self._loop.run_until_complete(let_go(process))
        return self._judged(ended, fence)

    async def _begin(self) -> Any:
        return await self._connection.create_process(guard.COMMAND, encoding=None)

    def _follow(
        self,
        process: Any,
        name: str,
        timeout_s: float,
        watch: Callable[[], None] | None,
        stdout: Sink | None,
        sent: Iterator[bytes],
    ) -> Ended:
        deadline, ended = time.monotonic() + timeout_s, time.monotonic()
        out, err = Kept(stdout), Kept()
        work = [tell(process, sent), out.read(process.stdout), err.read(process.stderr), process.wait_closed()]
        task = self._loop.create_task(all_of(work))
        try:
            while not task.done():
                self._loop.run_until_complete(asyncio.wait({task}, timeout=_SLICE_S))
                if task.done():
                    break
                if process.exit_status is None and process.exit_signal is None:
                    ended = time.monotonic()
                elif time.monotonic() - max(ended, out.last, err.last) > _HELD_S:
                    break  # what it has left running holds its outputs
                if watch is not None:
                    watch()
                if time.monotonic() > deadline:
                    raise HostUnreachable(
                        _("“%(name)s” did not end on %(host)s within %(seconds)g s and was stopped.")
                        % {"name": name, "host": self.spec.address, "seconds": timeout_s}
                    )
            if task.done():
                with _told(self.spec):
                    task.result()
        finally:
            if not task.done():
                task.cancel()
                self._loop.run_until_complete(asyncio.wait({task}))
        if process.exit_status is None and process.exit_signal is None:
            raise HostUnreachable(_("The connection to %(host)s broke.") % {"host": self.spec.address})
        code = process.exit_status if process.exit_signal is None else None
        return Ended(code, out.text(), err.text())

    def _judged(self, ended: Ended, fence: str) -> Ended:
        """The guard's own words are about the fence, not about the command."""
        if not fence or guard.SAID not in ended.stderr:
            if fence and ended.code is not None:
                self.fences.add(fence)
            return ended
        facts = {"host": self.spec.address, "fence": fence, "said": ended.said}
        if ended.code == guard.OUTDATED:
            raise Fenced(_("%(host)s: a newer epoch of this plan was there.") % facts)
        if ended.code == guard.BUSY:
            raise HostUnreachable(_("%(host)s: another step works below %(fence)s.") % facts)
        if ended.code == guard.NO_FOLDER and guard.NOT_OURS in ended.stderr:
            path = ended.said.rpartition(guard.NOT_OURS)[2].strip()
            raise HostRefused(
                _("%(host)s: others than %(user)s and root may change %(path)s, and so what guards the service's root.")
                % {**facts, "user": self.spec.user, "path": path},
                hint=_("Let it belong to one of the two, with nobody else writing there: chown, chmod go-w."),
            )
        if ended.code == guard.NO_FOLDER:
            raise HostRefused(f"{self.spec.address}: {ended.said}")
        return ended

    def read(self, path: str) -> RemoteFile | None:
        """A file's bytes and mode; None when there is none.

        Raises:
            HostRefused: it is not a file, too large, or may not be read.
        """

        async def reading() -> RemoteFile | None:
            sftp = await self._files()
            try:
                facts = await sftp.stat(path)
            except asyncssh.SFTPNoSuchFile:
                return None
            if not modes.S_ISREG(facts.permissions or 0) or (facts.size or 0) > FILE_MAX_BYTES:
                raise HostRefused(_("%(path)s on %(host)s is not a file of a usual size.") % self._at(path))
            file: Any
            async with sftp.open(path, "rb") as file:
                data = bytes(await file.read(FILE_MAX_BYTES))
            owner = None if facts.uid is None or facts.gid is None else (facts.uid, facts.gid)
            return RemoteFile(data, modes.S_IMODE(facts.permissions or 0), owner)

        return self._ask(reading(), PIECE_TIMEOUT_S)

    def link(self, path: str) -> str | None:
        """What a symbolic link says; None when there is none."""

        async def reading() -> str | None:
            sftp = await self._files()
            try:
                return str(await sftp.readlink(path))
            except asyncssh.SFTPNoSuchFile:
                return None

        return self._ask(reading(), PIECE_TIMEOUT_S)

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""

        async def asking() -> bool:
            return await (await self._files()).isdir(path)

        return self._ask(asking(), PIECE_TIMEOUT_S)

    def send(
        self,
        path: str,
        pieces: Iterator[bytes],
        *,
        mode: int,
        owner: tuple[int, int] | None = None,
        watch: Callable[[], None] | None = None,
    ) -> None:
        """Write a file anew (an unfinished name: this is not atomic), and have the host bring it to its disk."""

        async def begin() -> Any:
            sftp = await self._files()
            await sftp.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
            with suppress(asyncssh.SFTPNoSuchFile):
                await sftp.remove(path)  # what a broken connection left may be one that nobody may write to
            # A new file, or none: whoever owns the folder may have put a link there meanwhile.
            return await sftp.open(path, "xb", asyncssh.SFTPAttrs(permissions=0o600))

        async def finish(file: Any) -> None:
            try:
                # Of the file that is open, whatever has its name by now.
                if owner is not None and owner != await self._mine(file):
                    await file.chown(*owner)
                await file.chmod(mode)
                with suppress(asyncssh.SFTPOpUnsupported):
                    await file.fsync()
            finally:
                await file.close()

        file = self._ask(begin(), PIECE_TIMEOUT_S)
        try:
            for piece in pieces:
                self._ask(file.write(piece), PIECE_TIMEOUT_S)
                if watch is not None:
                    watch()
        finally:
            self._ask(finish(file), PIECE_TIMEOUT_S)

    async def _mine(self, file: Any) -> tuple[int, int]:
        facts = await file.stat()
        return facts.uid or 0, facts.gid or 0

    async def _files(self) -> asyncssh.SFTPClient:
        if self._sftp is None:
            self._sftp = await self._connection.start_sftp_client()
        return self._sftp

    def _at(self, path: str) -> dict[str, str]:
        return {"path": path, "host": self.spec.address}

    def _ask(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(timeout_s):
                return await work

        with _told(self.spec):
            return self._loop.run_until_complete(bounded())


async def _quietly(work: Awaitable[Any]) -> None:
    """What is said about a connection that is being left is of no interest any more."""
    try:
        await work
    except (asyncssh.Error, OSError):
        return


async def _connect(spec: SshHost, timeout_s: float) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        spec.host,
        spec.port,
        username=spec.user,
        client_keys=[str(spec.key_file)],
        known_hosts=str(spec.known_hosts),
        # Nothing of whoever runs us: no agent, no configuration, no other key, no password.
        config=None,
        agent_path=None,
        preferred_auth="publickey",
        connect_timeout=timeout_s,
        login_timeout=timeout_s,
        keepalive_interval=5,
    )


def _own_files(spec: SshHost) -> None:
    try:
        mode = spec.key_file.stat().st_mode & 0o7777
        spec.known_hosts.stat()
    except OSError as error:
        raise HostRefused(f"{error.filename}: {error.strerror}") from error
    if mode & 0o077:
        raise HostRefused(
            _("%(path)s: the private key is readable by others (mode %(mode)s).")
            % {"path": spec.key_file, "mode": format(mode, "04o")},
            hint=f"chmod 600 {spec.key_file}",
        )


@contextmanager
def _told(spec: SshHost) -> Iterator[None]:
    """Failures of the connection in words of ours."""
    facts = {"host": spec.address, "file": spec.known_hosts}
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise HostRefused(
            _("The host key of %(host)s is not the one in %(file)s.") % facts,
            hint=_("If the host was set up anew, put its new key there: ssh-keyscan, compared with the host itself."),
        ) from error
    except (asyncssh.PermissionDenied, asyncssh.KeyImportError) as error:
        raise HostRefused(
            _("%(host)s does not let us in: %(reason)s") % {**facts, "reason": error},
            hint=_("Is the public half of key_file among its authorized_keys?"),
        ) from error
    except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost) as error:
        raise HostUnreachable(_("The connection to %(host)s broke.") % facts) from error
    except asyncssh.SFTPError as error:
        raise HostRefused(f"{spec.address}: {error.reason}") from error
    except asyncssh.Error as error:
        raise HostUnreachable(_("%(host)s: %(reason)s") % {**facts, "reason": error}) from error
    except TimeoutError as error:
        raise HostUnreachable(_("%(host)s does not answer.") % facts) from error
    except OSError as error:
        raise HostUnreachable(_("%(host)s: %(reason)s") % {**facts, "reason": error}) from error
