"""A real sshd: who is let in, what runs there and how it ends, one at a time and never for an outdated plan."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from bonanca.actuators.ssh.session import HostRefused, HostUnreachable, Session, connected
from bonanca.actuators.ssh.spec import BadHost, SshHost
from bonanca.actuators.ssh.streams import KEPT_BYTES
from bonanca.actuators.ssh.tests.conftest import Host
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from tests.support.poll import eventually
from tests.support.sshd import Sshd, keygen

Specs = Callable[..., SshHost]
STRANGE = ("a b", "$(touch evil)", "`id`", "'", '"', "\n", "é\t", "-n", "*", "\\0", "\\", "", ".", "a=b; exit 9")


def test_words_arrive_as_they_are_and_no_shell_reads_them(host: Host, tmp_path: Path) -> None:
    with connected(host.spec) as session:
        ended = session.run(("printf", "[%s]", *STRANGE), timeout_s=20, folder=str(tmp_path))
        assert (ended.code, ended.stdout) == (0, "".join(f"[{word}]" for word in STRANGE))
        told = session.run(
            ("sh", "-c", 'pwd; printf %s "$ODD"; exit 7'), timeout_s=20, folder="/", env={"ODD": "1 $X\n"}
        )
        assert (told.code, told.stdout, told.ok) == (7, "/\n1 $X\n", False)
        with pytest.raises(ValueError, match="NUL"):
            session.run(("echo", "a\0b"), timeout_s=20)
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_a_command_is_seen_in_the_list_of_processes_before_it_runs(host: Host) -> None:
    with connected(host.spec) as session:
        seen = session.run(
            ("sh", "-c", "cat /proc/$PPID/cmdline | tr '\\0' ' '"), timeout_s=20, env={"SECRET": "geheim"}
        )
    assert "bonanca" in seen.stdout
    assert "geheim" not in seen.stdout


def test_of_much_output_the_end_is_kept(host: Host) -> None:
    with connected(host.spec) as session:
        ended = session.run(("sh", "-c", "seq 1 200000; echo the end; seq 1 200000 >&2"), timeout_s=60)
    assert ended.stdout.endswith("the end\n")
    assert len(ended.stdout) == len(ended.stderr) == KEPT_BYTES


def test_a_command_that_does_not_end_is_ended_with_all_it_started(host: Host, tmp_path: Path) -> None:
    late = tmp_path / "late"
    with connected(host.spec) as session:
        began = time.monotonic()
        with pytest.raises(HostUnreachable, match="did not end"):
            session.run(("sh", "-c", f"(sleep 3; touch {late}) & echo begun; sleep 60"), timeout_s=0.5)
        assert session.run(("true",), timeout_s=20).ok
    assert time.monotonic() - began < 10
    eventually(lambda: time.monotonic() - began > 4.0)
    assert not late.exists()


def test_what_holds_the_output_of_a_command_that_has_ended_is_not_waited_for(host: Host, tmp_path: Path) -> None:
    apart = "setsid sh -c 'echo $$ > child; exec sleep 90' & until [ -s child ]; do sleep 0.05; done; echo done; exit 3"
    began = time.monotonic()
    with connected(host.spec) as session:
        ended = session.run(("sh", "-c", apart), timeout_s=80, folder=str(tmp_path))
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    assert (ended.code, ended.stdout, time.monotonic() - began < 50) == (3, "done\n", True)


def test_what_watches_ends_it_too(host: Host) -> None:
    def lost() -> None:
        raise Fenced("another worker has it")

    with connected(host.spec) as session, pytest.raises(Fenced):
        session.run(("sleep", "60"), timeout_s=60, watch=lost)


def test_one_acts_below_a_root_at_a_time_and_an_outdated_plan_never(host: Host) -> None:
    fence, other = str(host.root / "run" / "fence"), UUID(int=2)

    def act(session: Session, *argv: str, epoch: int, run: UUID = UUID(int=1), timeout_s: float = 20.0) -> str:
        return session.run(argv, timeout_s=timeout_s, fence=fence, token=FenceToken(run, epoch)).stdout

    with connected(host.spec) as first, connected(host.spec) as second:
        assert act(first, "echo", "one", epoch=1) == "one\n"
        outcomes: list[object] = []

        def long_one() -> None:
            try:
                outcomes.append(act(first, "sleep", "30", epoch=1, timeout_s=60))
            except HostUnreachable as gone:
                outcomes.append(gone)

        thread = threading.Thread(target=long_one)
        thread.start()
        eventually(lambda: _held(Path(fence)))
        with pytest.raises(HostUnreachable, match="another step works"):
            act(second, "echo", "other plan", epoch=1, run=other, timeout_s=6.0)
        # A newer epoch of the same plan does not wait for the worker that lost it: what it does there ends.
        assert act(second, "echo", "two", epoch=2) == "two\n"
        thread.join(20)
        assert len(outcomes) == 1
        with pytest.raises(Fenced):
            act(second, "echo", "zombie", epoch=1)
        assert act(second, "echo", "other plan", epoch=1, run=other) == "other plan\n"


def _held(fence: Path) -> bool:
    done = subprocess.run(["flock", "-n", str(fence / "lock"), "true"], check=False)
    return done.returncode != 0


def test_a_command_dies_with_the_worker_that_gave_it(host: Host, tmp_path: Path) -> None:
    """Its connection breaks when it is killed; here it is cut."""
    late = tmp_path / "late"
    with connected(host.spec) as session:
        thread = threading.Thread(target=lambda: _swallow(session, late))
        thread.start()
        eventually(lambda: (tmp_path / "begun").exists())
        session._loop.call_soon_threadsafe(session._connection.abort)
        thread.join(20)
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 2.5)
    assert not late.exists()


def _swallow(session: Session, late: Path) -> None:
    with pytest.raises(HostUnreachable):
        session.run(("sh", "-c", f"touch {late.with_name('begun')}; sleep 2; touch {late}"), timeout_s=30)


def test_a_host_with_another_key_is_refused_and_nothing_is_said_to_it(host: Host, specs: Specs, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{host.spec.port} {keygen(tmp_path / 'other')}\n")
    for spec in (specs(known_hosts=known), specs(known_hosts=_empty(tmp_path))):
        with pytest.raises(HostRefused, match="host key") as refused, connected(spec):
            pass
        assert "ssh-keyscan" in str(refused.value.hint)


def _empty(folder: Path) -> Path:
    path = folder / "nobody"
    path.write_text("")
    return path


def test_who_is_not_let_in_is_told_why(host: Host, specs: Specs, server: Sshd, tmp_path: Path) -> None:
    keygen(tmp_path / "mine")
    with pytest.raises(HostRefused, match="does not let us in"), connected(specs(key_file=tmp_path / "mine")):
        pass
    shutil.copy(server.key_file, tmp_path / "open")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(HostRefused, match="readable by others"), connected(specs(key_file=tmp_path / "open")):
        pass
    with pytest.raises(HostRefused, match="missing"), connected(specs(key_file=tmp_path / "missing")):
        pass
    (tmp_path / "no").write_text("no key")
    (tmp_path / "no").chmod(0o600)
    with pytest.raises(HostRefused), connected(specs(key_file=tmp_path / "no")):
        pass


def test_a_host_that_does_not_answer_may_answer_later(specs: Specs) -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with (
            pytest.raises(HostUnreachable, match="does not answer"),
            connected(specs(port=silent.getsockname()[1]), timeout_s=0.5),
        ):
            pass
        assert time.monotonic() - began < 5
        port = silent.getsockname()[1]
    with pytest.raises(HostUnreachable), connected(specs(port=port)):
        pass


def test_what_names_no_host_is_refused() -> None:
    good = SshHost("h", "u", Path("/k"), Path("/known"))
    assert SshHost.from_json(good.to_json()) == good
    for wrong in ({"host": ""}, {"user": ""}, {"key_file": "k"}, {"known_hosts": "k"}, {"port": "x"}):
        with pytest.raises(BadHost):
            SshHost.from_json({**good.to_json(), **wrong})
    with pytest.raises(BadHost):
        SshHost.from_json({"host": "h"})
    assert (good.address, SshHost("h", "u", Path("/k"), Path("/k"), 2222).address) == ("u@h", "u@h:2222")


def test_what_cannot_be_fenced_is_refused(host: Host, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "file").write_text("")
        fence = str(tmp_path / "file" / "fence")
    else:
        fence = "/proc/fence"
    with connected(host.spec) as session, pytest.raises(HostRefused):
        session.run(("true",), timeout_s=20, fence=fence, token=host.token())


def test_a_link_in_the_place_of_a_file_that_is_being_sent_leads_nowhere(host: Host, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    victim.chmod(0o600)
    sent = tmp_path / "sent"

    def pieces() -> Iterator[bytes]:
        yield b"ours"
        # The folder's owner is quick: the open file goes on under another name.
        sent.rename(tmp_path / "away")
        sent.symlink_to(victim)

    with connected(host.spec) as session:
        session.send(str(sent), pieces(), mode=0o640)
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("theirs", 0o600)
    away = tmp_path / "away"
    assert (away.read_text(), away.stat().st_mode & 0o777) == ("ours", 0o640)
