"""A loopback HTTP server for the polite pages; Traefik is its only intended client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import h11

from bonanca.actuators.gateway.agent.configuration import DIRECTIVE_HEADER, UNROUTED
from bonanca.actuators.gateway.agent.pages import Page, page_for
from bonanca.actuators.gateway.wire import Directive
from bonanca.kernel.clock import utc_now

# How long a connection may stay silent, in seconds. Longer than Traefik keeps an idle one (3 s).
SILENCE_S = 15.0


class PoliteServer:
    """Answers each request with the page of the directive that its router names."""

    def __init__(self, find: Callable[[str], Directive | None]) -> None:
        self._find = find
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen on a free loopback port, told in `port`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with asyncio.timeout(None) as patience:
                await self._converse(reader, writer, patience)
        except (TimeoutError, ConnectionError, h11.RemoteProtocolError):
            pass  # The peer went silent, went away, or does not speak HTTP: it gets no answer, others do.
        finally:
            self._open.discard(writer)
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: asyncio.Timeout
    ) -> None:
        connection = h11.Connection(h11.SERVER)
        request: h11.Request | None = None
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                patience.reschedule(asyncio.get_running_loop().time() + SILENCE_S)
                if connection.they_are_waiting_for_100_continue:
                    await _send(connection, writer, h11.InformationalResponse(status_code=100, headers=[]))
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                # Only after the whole body was taken in: an answer before it would be lost in a reset.
                await self._answer(connection, writer, request)
                if connection.our_state is h11.MUST_CLOSE:
                    return
                connection.start_next_cycle()
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                return

    async def _answer(self, connection: h11.Connection, writer: asyncio.StreamWriter, request: h11.Request) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}
        mark = headers.get(DIRECTIVE_HEADER.lower(), "")
        method = request.method.decode("latin-1")
        page = page_for(
            self._find(mark),
            routed=mark != UNROUTED,
            method=method,
            accept=headers.get("accept", ""),
            accept_language=headers.get("accept-language", ""),
            now=utc_now(),
        )
        await _send(connection, writer, *_events(page, method))


def _events(page: Page, method: str) -> list[h11.Event]:
    headers = [*page.headers, ("Content-Length", str(len(page.body)))]
    # HEAD gets the headers of GET and no body (RFC 9110 §9.3.2).
    body = [h11.Data(data=page.body)] if method != "HEAD" else []
    return [h11.Response(status_code=page.status, headers=headers), *body, h11.EndOfMessage()]


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, *events: h11.Event) -> None:
    writer.write(b"".join(connection.send(event) or b"" for event in events))
    await writer.drain()
