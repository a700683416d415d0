"""Bonança's PostgreSQL neither answers nor fails: half-open connections, and a network that is really cut."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bonanca.actuators.postgres.sessions import Connection, DatabaseUnreachable, session
from bonanca.kernel.keepalive import KEEPALIVE
from tests.faults.support.house import House
from tests.support.poll import eventually
from tests.support.proxy import Line

_CLONE_NEWNET = 0x40000000
# Addresses for trials between networks (RFC 2544): nobody has them.
HERE, THERE = "198.18.213.1", "198.18.213.2"


def test_a_worker_whose_line_is_half_open_ends_itself_and_another_one_goes_on(house: House) -> None:
    house.pool(0)
    with Line(lambda: house.cluster.port) as line:
        cut_off = house.worker(DATABASE_PORT=str(line.port))
        house.wait_worker(cut_off)
        run = house.start("half-open", arm=("apply:before:half-open.2",))
        assert house.reached("apply:before:half-open.2", 60) == cut_off.pid
        house.wait_worker(house.worker())
        line.hold()
        cut_off.expected_dead = True
        house.let_go()
        house.wait_finished(run, timeout_s=60)
        house.assert_done_once("half-open", run)
        eventually(lambda: not cut_off.alive(), 60)
        assert "has not answered; this worker ends" in cut_off.log.read_text()
        # What was on its way arrives after all: nothing happens twice.
        line.heal()
        house.assert_done_once("half-open", run)


@pytest.fixture
def far_line(house: House) -> Iterator[tuple[Line, str]]:
    """A line whose near end is in a network namespace of its own, and that namespace's name."""
    ip = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if os.geteuid() != 0 or ip is None:
        pytest.skip("a network can only be cut by root, with ip (Debian: iproute2)")
    name, device = f"bonanca{os.getpid()}", f"bna{os.getpid() % 100000}"

    def do(*words: str) -> None:
        done = subprocess.run([ip, *words], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no network namespace here: ip {' '.join(words)}: {done.stderr.strip()}")

    do("netns", "add", name)
    try:
        do("link", "add", f"{device}a", "type", "veth", "peer", "name", f"{device}b", "netns", name)
        for words in (
            ("addr", "add", f"{HERE}/30", "dev", f"{device}a"),
            ("link", "set", f"{device}a", "up"),
            ("-n", name, "addr", "add", f"{THERE}/30", "dev", f"{device}b"),
            ("-n", name, "link", "set", f"{device}b", "up"),
        ):
            do(*words)
        with Line(lambda: house.cluster.port, listener=_listening_in(name)) as line:
            yield line, name
    finally:
        subprocess.run([ip, "netns", "del", name], capture_output=True, check=False)


def _listening_in(name: str) -> socket.socket:
    """A socket belongs to the namespace of the thread that made it."""
    made: list[socket.socket] = []

    def make() -> None:
        with Path("/run/netns", name).open() as handle:
            assert ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), _CLONE_NEWNET) == 0
        made.append(socket.create_server((THERE, 0)))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


def test_a_network_that_is_cut_is_noticed_though_nobody_closes_the_connection(
    house: House, far_line: tuple[Line, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line, name = far_line
    # What takes 25 s in earnest.
    for option, value in (("keepalives_idle", 1), ("keepalives_interval", 1), ("tcp_user_timeout", 3000)):
        monkeypatch.setitem(KEEPALIVE, option, value)
    dsn = house.cluster.dsn("bonanca").replace(f"127.0.0.1:{house.cluster.port}", f"{THERE}:{line.port}")

    def ask(connection: Connection) -> None:
        # Answers are thrown away on their way; no side is told.
        subprocess.run(["ip", "-n", name, "route", "add", "blackhole", f"{HERE}/32"], check=True)
        connection.execute("SELECT pg_sleep(120)")

    began = time.monotonic()
    with pytest.raises(DatabaseUnreachable) as noticed, session(dsn) as connection:
        ask(connection)
    assert "imeout" in noticed.value.message or "timed out" in noticed.value.message
    assert time.monotonic() - began < 60
