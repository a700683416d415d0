"""Ask an address of a service over HTTP: on time, for so many bytes, there and nowhere else.

What answers may be broken, or somebody else's by now. Nothing of our environment leads the request elsewhere (no proxy,
no password of a netrc file), no redirection is followed; how long it takes and how much is held is not theirs to say.
"""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from django.utils.translation import gettext as _

PACKED = ("gzip", "x-gzip", "deflate")


class NoAnswer(Exception):
    """Nothing usable came back; the words say why."""


@dataclass(frozen=True)
class Answered:
    """What came back; of a longer answer `body` is the beginning."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def ask_address(
    method: str,
    url: str,
    *,
    timeout_s: float,
    most_bytes: int,
    content: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Send one request; the answer, or as much of it as is wanted, has to be here within `timeout_s`.

    Raises:
        NoAnswer
    """
    sent = {"Accept-Encoding": "identity", "User-Agent": "bonanca", **(headers or {})}
    line = _Line(timeout_s)
    try:
        verify = httpx.create_ssl_context() if url.startswith("https:") else False
        with (
            line.held(),
            httpx.Client(verify=verify, trust_env=False, timeout=timeout_s, follow_redirects=False) as client,
            client.stream(method, url, content=content, headers=sent, extensions={"trace": line.seen}) as answer,
        ):
            found = Answered(answer.status_code, answer.headers, _body(answer, most_bytes))
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, zlib.error) as failure:
        if not line.cut:
            raise NoAnswer(f"{type(failure).__name__}: {failure}"[:500]) from failure
    if line.cut:  # which may look like the end of an answer
        raise NoAnswer(_("no whole answer within %(seconds)g s") % {"seconds": timeout_s})
    return found


def _body(answer: httpx.Response, most_bytes: int) -> bytes:
    """As it was sent: who unpacks whatever comes is given a bomb one day."""
    kept = bytearray()
    for chunk in answer.iter_raw():
        kept += chunk
        if len(kept) >= most_bytes:
            break
    raw = bytes(kept[:most_bytes])
    if answer.headers.get("Content-Encoding", "").strip().lower() in PACKED:
        return zlib.decompressobj(wbits=47).decompress(raw, most_bytes)
    return raw


class _Line:
    """The connection of one request, cut when its time is over: httpx bounds each read, a slow answer has many."""

    def __init__(self, timeout_s: float) -> None:
        self._timer = threading.Timer(timeout_s, self._end)
        self._timer.daemon = True
        self._sockets: list[socket.socket] = []
        self.cut = False

    def seen(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from httpx that it has connected."""
        if event == "connection.connect_tcp.complete":
            # A second handle of the same connection: TLS takes the first one away.
            self._sockets.append(info["return_value"].get_extra_info("socket").dup())
            if self.cut:
                self._end()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Cut the connection in time, and leave nothing open."""
        self._timer.start()
        try:
            yield
        finally:
            self._timer.cancel()
            for one in self._sockets:
                one.close()

    def _end(self) -> None:
        self.cut = True
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
