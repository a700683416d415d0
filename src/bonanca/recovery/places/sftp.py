"""A directory of another machine, over SFTP: its host key is known beforehand, ours is in a file.

An unfinished object is called `.part`; a later attempt goes on at its end. SFTP has no checksums, so what was put
together from several attempts is read back whole before it takes its name.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, TypeVar
from urllib.parse import unquote, urlsplit

import asyncssh
from django.utils.translation import gettext as _

from bonanca.catalog.spec import PlaceSpec
from bonanca.recovery.places.base import (
    CHUNK,
    PART,
    Parcel,
    Place,
    PlaceInvalid,
    ReplicaProblem,
    SourceChanged,
    Told,
    refuse_private,
    sftp_needs,
)

CONNECT_TIMEOUT_S = 15.0
# For one piece of 4 MB: slower than this is not a place for backups.
PIECE_TIMEOUT_S = 120.0

T = TypeVar("T")


@dataclass(frozen=True)
class _Session:
    """A connection and what is asked over it, each in time.

    A server whose disk hangs answers nothing and keeps the connection alive: then it is broken off, because closing a
    file or the session would ask the same server again.
    """

    connection: asyncssh.SSHClientConnection
    sftp: asyncssh.SFTPClient

    async def ask(self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(PIECE_TIMEOUT_S):
                return await answer
        except TimeoutError:
            self.connection.abort()
            raise

    @asynccontextmanager
    async def opened(self, path: str, mode: str) -> AsyncIterator[Any]:
        file: Any = await self.ask(self.sftp.open(path, mode))
        try:
            yield file
        finally:
            await self.ask(file.close())


class Sftp(Place):
    """Objects are files below the address's path."""

    def __init__(self, spec: PlaceSpec) -> None:
        super().__init__(spec.place)
        self.spec = spec
        address = urlsplit(spec.place)
        self.host, self.port = address.hostname or "", address.port or 22
        self.user = unquote(address.username or "")
        self.root = PurePosixPath(unquote(address.path) or "/")

    def store(self, parcel: Parcel, told: Told = lambda done: None) -> int:
        return asyncio.run(self._store(parcel, told))

    async def _store(self, parcel: Parcel, told: Told) -> int:
        final = str(self.root / parcel.name)
        async with self._session() as there:
            sftp, ask = there.sftp, there.ask
            await ask(sftp.makedirs(str(PurePosixPath(final).parent), exist_ok=True))
            try:
                with parcel.source.open("rb") as source:
                    begun = await self._send(there, final + PART, parcel, source, told)
            except SourceChanged:
                await ask(sftp.remove(final + PART))
                raise
            if begun and (await self._sum(there, final + PART)).hexdigest() != parcel.sha256:
                # Something else lay there: next time everything is sent.
                await ask(sftp.remove(final + PART))
                raise self.problem(OSError(_("what was put together from several attempts is damaged")))
            size = (await ask(sftp.stat(final + PART))).size or 0
            if size != parcel.size:
                raise self.problem(OSError(_("%(size)d bytes arrived") % {"size": size}))
            await ask(sftp.posix_rename(final + PART, final))
        return size

    async def _send(self, there: _Session, part: str, parcel: Parcel, source: BinaryIO, told: Told) -> int:
        """Write what is missing; returns where it began."""
        begun = (await there.ask(there.sftp.stat(part))).size or 0 if await there.ask(there.sftp.exists(part)) else 0
        if begun > parcel.size:
            begun = 0
        summed, done = hashlib.sha256(), 0
        async with there.opened(part, "r+b" if begun else "wb") as out:
            while piece := source.read(CHUNK):
                summed.update(piece)
                missing = piece[max(0, begun - done) :]
                if missing:
                    await there.ask(out.write(missing, done + len(piece) - len(missing)))
                done += len(piece)
                told(done)
            if summed.hexdigest() != parcel.sha256:
                raise self.changed(parcel)
            await self._synced(there, out)
        return begun

    async def _synced(self, there: _Session, out: Any) -> None:
        """Have the other machine bring it to its disk, where its server can (OpenSSH does)."""
        try:
            await there.ask(out.fsync())
        except asyncssh.SFTPOpUnsupported:
            return

    async def _sum(self, there: _Session, path: str) -> Any:
        summed = hashlib.sha256()
        async for piece in self._pieces_of(there, path):
            summed.update(piece)
        return summed

    async def _pieces_of(self, there: _Session, path: str) -> AsyncIterator[bytes]:
        async with there.opened(path, "rb") as file:
            at = 0
            while True:
                piece = bytes(await there.ask(file.read(CHUNK, at)))
                if not piece:
                    return
                at += len(piece)
                yield piece

    def read(self, name: str) -> Iterator[bytes]:
        loop = asyncio.new_event_loop()
        pieces = self._read(name)
        try:
            while (piece := loop.run_until_complete(anext(pieces, None))) is not None:
                yield piece
        finally:
            loop.run_until_complete(pieces.aclose())  # type: ignore[attr-defined] # it is a generator
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _read(self, name: str) -> AsyncIterator[bytes]:
        async with self._session(name) as there:
            async for piece in self._pieces_of(there, str(self.root / name)):
                yield piece

    def remove(self, name: str) -> None:
        asyncio.run(self._remove(str(self.root / name)))

    async def _remove(self, final: str) -> None:
        async with self._session() as there:
            for path in (final, final + PART):
                try:
                    await there.ask(there.sftp.remove(path))
                except asyncssh.SFTPNoSuchFile:
                    continue

    @asynccontextmanager
    async def _session(self, name: str = "") -> AsyncIterator[_Session]:
        try:
            self._checked()
            async with (
                asyncssh.connect(
                    self.host,
                    self.port,
                    username=self.user,
                    client_keys=[str(self.spec.key_file)],
                    known_hosts=str(self.spec.known_hosts),
                    # Nothing of whoever runs us: no agent, no configuration, no other key, no password.
                    config=None,
                    agent_path=None,
                    preferred_auth="publickey",
                    connect_timeout=CONNECT_TIMEOUT_S,
                    login_timeout=CONNECT_TIMEOUT_S,
                    keepalive_interval=15,
                ) as connection,
                connection.start_sftp_client() as sftp,
            ):
                yield _Session(connection, sftp)
        except ReplicaProblem:
            raise
        except asyncssh.SFTPNoSuchFile as error:
            raise (self.missing(name) if name else self.problem(error)) from error
        except asyncssh.HostKeyNotVerifiable as error:
            reason = _("its host key is not the one in %(file)s") % {"file": self.spec.known_hosts}
            raise self.problem(OSError(reason)) from error
        except TimeoutError as error:
            raise self.problem(OSError(_("it does not answer"))) from error
        except (asyncssh.Error, PlaceInvalid, OSError, ValueError) as error:
            raise self.problem(error) from error

    def _checked(self) -> None:
        key, known = self.spec.key_file, self.spec.known_hosts
        if key is None or known is None or not self.user:
            raise sftp_needs(self.place)
        if key.stat().st_mode & 0o077:
            reason = _("%(path)s: the private key is readable by others (mode %(mode)s).")
            raise OSError(reason % {"path": key, "mode": format(key.stat().st_mode & 0o7777, "04o")})
        known.stat()
        if not self.spec.allow_private:
            refuse_private(self.place, self.host, self.port)
