"""The guard believes no file that somebody else has prepared for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from bonanca.actuators.ssh import guard
from bonanca.actuators.ssh.files import Ground
from bonanca.actuators.ssh.session import HostRefused, HostUnreachable, connected
from bonanca.actuators.ssh.tests.conftest import RUN, Host
from tests.support.poll import eventually


def fence_of(host: Host) -> Path:
    fence = host.root / "run" / "fence"
    fence.parent.mkdir(parents=True)
    return fence


def refused(host: Host, tmp_path: Path) -> str:
    """What is said; nothing was begun, and nothing was written where somebody wanted us to."""
    fence = str(host.root / "run" / "fence")
    with connected(host.spec) as session, pytest.raises(HostRefused) as why:
        session.run(("touch", str(tmp_path / "begun")), timeout_s=20, fence=fence, token=host.token())
    assert not (tmp_path / "begun").exists()
    trap = tmp_path / "trap"
    assert not trap.exists() or list(trap.iterdir()) == []
    assert "chown, chmod go-w" in (why.value.hint or "")
    return why.value.message


@pytest.mark.parametrize("where", ["run/fence", "run"])
def test_a_fence_that_a_link_leads_to_is_refused(host: Host, tmp_path: Path, where: str) -> None:
    place, trap = host.root / where, tmp_path / "trap"
    place.parent.mkdir(parents=True)
    trap.mkdir(mode=0o777)
    trap.chmod(0o777)
    place.symlink_to(trap)
    assert "may change" in refused(host, tmp_path)


@pytest.mark.parametrize(("where", "mode"), [("run/fence", 0o770), ("run", 0o707), (".", 0o2775)])
def test_a_fence_that_others_may_write_to_or_replace_is_refused(
    host: Host, tmp_path: Path, where: str, mode: int
) -> None:
    fence_of(host).mkdir()
    (host.root / where).chmod(mode)
    assert refused(host, tmp_path).endswith(f"may change {(host.root / where)}, and so what guards the service's root.")


def test_a_fence_that_is_everybodys_is_refused_even_if_nobody_may_remove_from_it(host: Host, tmp_path: Path) -> None:
    fence = fence_of(host)
    fence.mkdir()
    fence.chmod(0o1777)
    (tmp_path / "cron").touch()
    (fence / "holder").symlink_to(tmp_path / "cron")
    assert str(fence) in refused(host, tmp_path)
    assert (tmp_path / "cron").read_text() == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
@pytest.mark.parametrize("where", ["run/fence", "run", "."])
def test_a_fence_below_a_folder_of_another_user_is_refused(host: Host, tmp_path: Path, where: str) -> None:
    fence_of(host).mkdir()
    os.chown(host.root / where, 54321, 54321)
    assert str(host.root / where) in refused(host, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to somebody else")
def test_a_root_that_a_link_leads_to_counts_where_the_link_is_ours(host: Host, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    host.root.symlink_to(there)
    with connected(host.spec) as session:
        session.run(("true",), timeout_s=20, fence=str(host.root / "run" / "fence"), token=host.token())
    assert (there / "run" / "fence" / "lock").exists()
    os.chown(host.root, 54321, 54321, follow_symlinks=False)
    assert str(host.root) in refused(host, tmp_path)


def test_nothing_is_sent_below_a_root_that_others_may_change(host: Host, tmp_path: Path) -> None:
    """What a step decided is believed later, and a file is sent before it is put in place."""
    host.root.mkdir()
    host.root.chmod(0o777)
    trap = tmp_path / "trap"
    trap.mkdir()
    (host.root / "run").mkdir()
    (host.root / "run" / "intents").symlink_to(trap)
    with connected(host.spec) as session, pytest.raises(HostRefused, match="may change"):
        Ground(session, host.there, host.token()).remember("intents", "key", {"a": 1})
    assert list(trap.iterdir()) == []


def test_what_a_command_is_given_changes_nothing_of_the_guard(host: Host) -> None:
    fence, names = fence_of(host), ("run", "epoch", "fence", "at", "me", "here", "got", "line", "folder", "PATH")
    with connected(host.spec) as session:
        argv = ("/bin/sh", "-c", "for name; do eval 'echo \"$'$name'\"'; done", "sh", *names, "TOLD")
        env = {name: f"\\x*{number}" for number, name in enumerate(names)} | {"TOLD": "a b\n'c' é"}
        ended = session.run(argv, timeout_s=20, env=env, fence=str(fence), token=host.token(3))
    assert ended.stdout == "".join(f"\\x*{number}\n" for number in range(len(names))) + "a b\n'c' é\n"
    assert (fence / str(RUN)).read_text() == "3\n"


def test_a_holder_of_no_group_is_waited_for_and_nobody_is_killed(host: Host) -> None:
    fence = fence_of(host)
    fence.mkdir()
    (fence / "holder").write_text(f"{RUN} 1 0\n")
    argv = ["flock", str(fence / "lock"), "sh", "-c", f"touch {fence}/held; sleep 60"]
    holder = subprocess.Popen(argv, start_new_session=True)
    try:
        eventually((fence / "held").exists)
        with connected(host.spec) as session, pytest.raises(HostUnreachable, match="another step works"):
            session.run(("true",), timeout_s=4, fence=str(fence), token=host.token(2))
        assert holder.poll() is None
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()


@pytest.mark.parametrize(
    ("group", "killed"),
    [("2", True), ("10", True), ("4711", True)]
    + [(group, False) for group in ("", "0", "1", "00", "01", "-1", "1x", "2x", "2 3", "x", "*", "-s")],
)
def test_only_a_group_of_a_process_is_killed(group: str, killed: bool) -> None:
    """The guard's own lines, with a `kill` that kills nobody."""
    found = re.search(r'case "\$group" in .*? esac;', guard._SCRIPT)
    assert found is not None
    assert guard._SCRIPT.count("-$group") == 1
    text = f'group="$1"; kill() {{ echo "$*"; }}; {found[0]}'
    said = subprocess.run(["sh", "-c", text, "sh", group], capture_output=True, text=True, check=True).stdout
    assert said == (f"-s KILL -- -{group}\n" if killed else "")
