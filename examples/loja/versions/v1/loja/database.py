"""Transactions that outlive a short absence of the database.

A database that is copied, renamed or restarted closes its connections and takes none for some seconds. Every
transaction is therefore run again as a whole, on a new connection, until `wait_s` is over. What it writes must bear
that: a commit whose answer was lost may have happened (see `orders.place`, which looks for its key first).
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)


class DatabaseAway(Exception):
    """The database did not come back in time."""


class Database:
    """A handful of connections, the last used one first."""

    def __init__(self, dsn: Callable[[], str], *, connections: int, wait_s: float) -> None:
        self._dsn = dsn
        self._wait_s = wait_s
        self._room = asyncio.Semaphore(connections)
        self._idle: list[Connection] = []
        self.answered_at: float | None = None

    async def run(self, work: Callable[[Connection], Awaitable[T]], *, wait_s: float | None = None) -> T:
        """Run `work` in a transaction and return its result after the commit.

        Raises:
            DatabaseAway: no attempt was committed within `wait_s` seconds.
        """
        deadline = time.monotonic() + (self._wait_s if wait_s is None else wait_s)
        while True:
            try:
                async with asyncio.timeout(max(0.05, deadline - time.monotonic())):
                    return await self._once(work)
            except (*AWAY, TimeoutError) as error:
                if time.monotonic() >= deadline:
                    raise DatabaseAway(str(error).strip() or type(error).__name__) from error
            # A little randomness, so that all requests do not come back in the same instant.
            await asyncio.sleep(random.uniform(0.05, 0.15))

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop().close()

    async def _once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._room:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                async with connection.transaction():
                    result = await work(connection)
            except AWAY:
                # Its neighbours were opened to the same server and have most likely gone with it.
                await connection.close()
                await self.close()
                raise
            except asyncio.CancelledError:
                await connection.close()  # in the middle of a statement: nobody else may use it
                raise
            except BaseException:
                self._idle.append(connection)
                raise
            self._idle.append(connection)
            self.answered_at = time.monotonic()
            return result

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection.connect(self._dsn(), autocommit=True, application_name="loja")
