"""A replica is asked for so long and no longer, however it answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bonanca.actuators.process.health import answer
from bonanca.actuators.process.spec import Replica

WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def listening(said: bytes, *, every_s: float, host: str = "127.0.0.1") -> Iterator[Replica]:
    """Answers byte after byte, with a pause before each."""
    over = threading.Event()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as door:

        def serve() -> None:
            caller, _address = door.accept()
            with caller:
                caller.recv(65536)
                for place in range(len(said)):
                    if over.wait(every_s):
                        return
                    try:
                        caller.sendall(said[place : place + 1])
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Replica(int(door.getsockname()[1]), host)
        over.set()
        thread.join(10)


def test_one_that_answers_byte_by_byte_does_not_hold_up_who_asks() -> None:
    began = time.monotonic()
    with listening(WELL, every_s=0.4) as replica:
        assert "no answer" in answer(replica, "/", timeout_s=1.0)
    assert time.monotonic() - began < 8


def test_what_comes_in_time_counts_also_over_ipv6() -> None:
    with listening(WELL, every_s=0.0) as replica:
        assert answer(replica, "/") == ""
    if socket.has_ipv6:
        try:
            with listening(WELL.replace(b"200 OK", b"503 No"), every_s=0.0, host="::1") as replica:
                assert answer(replica, "/") == "it answers 503"
        except OSError:
            pytest.skip("no IPv6 here")
