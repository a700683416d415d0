"""Whatever answers: the request goes where it was sent, ends in time, and is never held whole."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bonanca.actuators.asking import NoAnswer, ask_address

HEAD = b"HTTP/1.1 200 OK\r\n"
Speech = Callable[[socket.socket], None]


@contextmanager
def listening(speak: Speech) -> Iterator[tuple[str, list[bytes]]]:
    """A server of one connection that says what a test likes; what it was asked is kept."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError), server.accept()[0] as line:
                asked.append(line.recv(65536))
                speak(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
    thread.join(timeout=5)


def saying(*pieces: bytes, every_s: float = 0) -> Speech:
    def speak(line: socket.socket) -> None:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(every_s)

    return speak


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD, *[b"X-A: b\r\n"] * 60),
        (HEAD + b"Content-Length: 60\r\n\r\n", *[b"x"] * 60),
        (HEAD + b"Connection: close\r\n\r\n", *[b"x"] * 60),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n",) * 60,
    ],
    ids=["head", "body", "until it closes", "hints"],
)
def test_an_answer_that_drips_is_cut_in_time(pieces: tuple[bytes, ...]) -> None:
    began = time.monotonic()
    with listening(saying(*pieces, every_s=0.1)) as (url, _asked), pytest.raises(NoAnswer, match=r"within 0\.5 s"):
        ask_address("GET", url, timeout_s=0.5, most_bytes=1000)
    assert time.monotonic() - began < 3


def test_an_answer_without_end_is_read_as_far_as_wanted() -> None:
    def speak(line: socket.socket) -> None:
        line.sendall(HEAD + b"Connection: close\r\n\r\n")
        while True:
            line.sendall(b"x" * 65536)

    with listening(speak) as (url, _asked):
        answer = ask_address("GET", url, timeout_s=20, most_bytes=1000)
    assert (answer.status, answer.ok, answer.body) == (200, True, b"x" * 1000)


def test_what_is_packed_all_the_same_is_unpacked_as_far_as_wanted() -> None:
    packed = gzip.compress(b"pronto " * 10_000_000)
    head = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with listening(saying(head + packed)) as (url, asked):
        answer = ask_address("GET", url, timeout_s=20, most_bytes=100_000)
    assert (len(answer.body), answer.text[:6]) == (100_000, "pronto")
    assert b"accept-encoding: identity" in asked[0].lower()


def test_no_proxy_and_no_password_of_ours_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ana password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with listening(saying(HEAD + b"Content-Length: 0\r\n\r\n")) as (url, asked):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        answer = ask_address("POST", f"{url}/orders", content=b"{}", headers={"A": "b"}, timeout_s=5, most_bytes=10)
    assert answer.ok
    assert asked[0].startswith(b"POST /orders HTTP/1.1\r\n")
    assert b"authorization" not in asked[0].lower()


def test_a_redirection_is_an_answer_and_is_not_followed() -> None:
    with listening(saying(b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")) as (
        url,
        _,
    ):
        answer = ask_address("POST", url, timeout_s=5, most_bytes=10)
    assert (answer.status, answer.ok) == (307, False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://a..b/", "", "ftp://127.0.0.1/", "http://127.0.0.1:x/"])
def test_what_cannot_be_asked_is_said(url: str) -> None:
    with pytest.raises(NoAnswer):
        ask_address("GET", url, timeout_s=2, most_bytes=10)


def test_a_broken_answer_is_said() -> None:
    with (
        listening(saying(b"SSH-2.0-OpenSSH\r\n")) as (url, _asked),
        pytest.raises(NoAnswer, match="RemoteProtocolError"),
    ):
        ask_address("GET", url, timeout_s=5, most_bytes=10)
