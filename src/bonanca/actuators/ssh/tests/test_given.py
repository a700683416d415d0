"""What a command on another host reads: its own, nobody else's, and nothing of it stays."""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from bonanca.actuators.ssh.session import HostUnreachable, Session, connected
from bonanca.actuators.ssh.tests.conftest import Host
from bonanca.durable.errors import Fenced
from tests.support.poll import eventually

_LARGE = 3_000_000


def test_it_has_no_name_while_the_command_runs_and_is_nobody_elses(host: Host) -> None:
    with connected(host.spec) as session:
        for given in (b"one\n", b"", b"x" * _LARGE):
            asked = 'wc -c; stat -L -c %a /dev/stdin; readlink /proc/self/fd/0; ls -A "$0"'
            argv = ("sh", "-c", asked, str(host.root))
            ended = session.run(argv, timeout_s=30, input=io.BytesIO(given), scratch=str(host.root))
            size, mode, where = ended.stdout.splitlines()
            assert (size, mode, where.endswith("(deleted)")) == (str(len(given)), "600", True)
        rest = io.BytesIO(b"read already, the rest")
        rest.seek(5)
        assert session.run(("cat",), timeout_s=30, input=rest, scratch=str(host.root)).stdout == "already, the rest"
        assert session.run(("cat",), timeout_s=30).stdout == ""


def test_two_at_the_same_time_read_what_is_theirs(host: Host, tmp_path: Path) -> None:
    said: dict[str, str] = {}

    def run(name: str, other: str) -> None:
        wait = f"touch {tmp_path}/{name}; while [ ! -e {tmp_path}/{other} ]; do sleep 0.05; done; cat"
        with connected(host.spec) as session:
            given = io.BytesIO(f"of {name}".encode())
            ended = session.run(("sh", "-c", wait), timeout_s=30, input=given, scratch=str(host.root))
            said[name] = ended.stdout

    threads = [threading.Thread(target=run, args=names) for names in (("ana", "rui"), ("rui", "ana"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert said == {"ana": "of ana", "rui": "of rui"}


def held_open_below(folder: Path) -> list[str]:
    """What processes have open there, names or not."""
    found = []
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            found.append(str(handle.readlink()))
    return [name for name in found if name.startswith(f"{folder}/")]


class Cut(io.BytesIO):
    """A file in the middle of which the connection breaks."""

    def __init__(self, session: Session, folder: Path) -> None:
        super().__init__(b"x" * _LARGE)
        self.session, self.folder, self.times = session, folder, 0

    def read(self, size: int | None = -1) -> bytes:
        self.times += 1
        if self.times == 20:
            eventually(lambda: held_open_below(self.folder))
            self.session._connection.abort()
        return super().read(size)


def test_when_the_connection_breaks_nothing_stays_and_the_command_does_not_begin(host: Host, tmp_path: Path) -> None:
    begun, folder = tmp_path / "begun", host.root / "run"
    with connected(host.spec) as session, pytest.raises(HostUnreachable):
        session.run(("touch", str(begun)), timeout_s=30, input=Cut(session, folder), scratch=str(folder))
    eventually(lambda: not held_open_below(folder))
    assert not begun.exists()
    assert list(folder.iterdir()) == []


def test_an_outdated_plan_gives_nothing(host: Host, tmp_path: Path) -> None:
    fence, begun = str(host.root / "run" / "fence"), tmp_path / "begun"
    with connected(host.spec) as session:
        session.run(("true",), timeout_s=20, fence=fence, token=host.token(2))
        with pytest.raises(Fenced):
            session.run(
                ("touch", str(begun)),
                timeout_s=20,
                input=io.BytesIO(b"x" * _LARGE),
                scratch=str(host.root / "run"),
                fence=fence,
                token=host.token(1),
            )
    assert not begun.exists()
    assert [path.name for path in (host.root / "run").iterdir()] == ["fence"]
