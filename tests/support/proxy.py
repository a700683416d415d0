"""A TCP line of our own between two programs, which can become slow, silent or broken at any moment.

`Line(target)` listens on a free port of loopback and passes everything on. What trouble does to it:

- `delay(seconds)`: every piece arrives later, in both directions;
- `throttle(bytes_s)`: no more than that goes through in a second, each way of each connection;
- `hold()`: half open. Nothing passes any more and nothing is closed; new connections are taken and never answered;
- `reset()`: every connection is broken with RST; new ones pass;
- `cut()`: as `reset`, and new ones are broken too;
- `heal()`: everything passes again. What was held goes on where it was.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable

_PIECE = 65_536
# SO_LINGER with no time: close() sends RST.
_BREAK = struct.pack("ii", 1, 0)


class Line:
    """One listening port and its connections. `target` may be a function: a server that restarts may move.

    `listener`: a socket that listens already, such as one of another network namespace.
    """

    def __init__(self, target: int | Callable[[], int], *, listener: socket.socket | None = None) -> None:
        self._target = target if callable(target) else lambda: target
        self._delay_s = 0.0
        self._bytes_s = 0.0
        self._cut = False
        self._closed = False
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self.carried = 0
        self._listener = listener or socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name=f"line {self.port}", daemon=True).start()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- trouble ---------------------------------------------------------------------------------------------------

    def delay(self, seconds: float) -> None:
        self._delay_s = seconds

    def throttle(self, bytes_s: float) -> None:
        self._bytes_s = bytes_s

    def hold(self) -> None:
        self._open.clear()

    def reset(self) -> None:
        with self._lock:
            broken = list(self._sockets)
        for end in broken:
            _reset(end)

    def cut(self) -> None:
        self._cut = True
        self.reset()

    def heal(self) -> None:
        self._delay_s = self._bytes_s = 0.0
        self._cut = False
        self._open.set()

    def close(self) -> None:
        self._closed = True
        self._listener.close()
        self.reset()
        self._open.set()

    @property
    def connections(self) -> int:
        with self._lock:
            return len(self._sockets) // 2

    # -- inside ----------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            if self._cut:
                _reset(near)
                near.close()
                continue
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        self._open.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self._target()), timeout=5)
        except OSError:
            _reset(near)
            near.close()
            return
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {near, far}
        if self._closed or self._cut:
            _reset(near)
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
        back.start()
        self._pump(near, far)
        back.join()
        with self._lock:
            self._sockets -= {near, far}
        for end in (near, far):
            end.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := self._next(source):
                if self._delay_s:
                    time.sleep(self._delay_s)
                if self._bytes_s:
                    time.sleep(len(piece) / self._bytes_s)
                self._open.wait()
                sink.sendall(piece)
                self.carried += len(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            _reset(source)
            _reset(sink)

    def _next(self, source: socket.socket) -> bytes:
        # A throttled line takes small pieces, so that it can be told otherwise in between.
        size = _PIECE if not self._bytes_s else max(1, min(_PIECE, int(self._bytes_s / 10)))
        select.select([source], [], [])
        self._open.wait()
        return source.recv(size)


def _reset(end: socket.socket) -> None:
    """Break it at once, whoever reads from it: shutdown wakes them, and the last close sends RST."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BREAK)
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
