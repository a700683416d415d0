"""Tells when the pages answer, without keeping the supervisor's loop waiting."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable

_PATIENCE_S, _EVERY_S = 300.0, 0.2


class Readiness(threading.Thread):
    """Asks `web` for a page until it answers, then calls `ready` once."""

    def __init__(self, host: str, port: int, ready: Callable[[], None]) -> None:
        super().__init__(name="readiness", daemon=True)
        self._address = (host, port)
        self._ready = ready
        self._over = threading.Event()

    def run(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not self._over.wait(_EVERY_S) and time.monotonic() < deadline:
            if self._answers():
                self._ready()
                return

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(*self._address, timeout=5)
        try:
            connection.request("GET", "/login/")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def end(self) -> None:
        """Stop asking."""
        self._over.set()
