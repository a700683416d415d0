"""Tells when the pages answer, without keeping the supervisor's loop waiting."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable

_PATIENCE_S = 120.0


class Readiness(threading.Thread):
    """Asks `web` for a page until it answers, then calls `ready` once."""

    def __init__(self, host: str, port: int, ready: Callable[[], None]) -> None:
        super().__init__(name="readiness", daemon=True)
        self._address = (host, port)
        self._ready = ready
        self._over = threading.Event()

    def run(self) -> None:
        waited_s = 0.0
        while not self._over.wait(0.1) and waited_s < _PATIENCE_S:
            waited_s += 0.1
            if self._answers():
                self._ready()
                return

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(*self._address, timeout=5)
        try:
            connection.request("GET", "/status/")
            connection.getresponse().read(1)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        # Any answer will do: a page that fails is for the log of `web`, not for us.
        return True

    def end(self) -> None:
        """Stop asking."""
        self._over.set()
