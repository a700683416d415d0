"""The guard believes no file that somebody else has prepared for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from bonanca.actuators.ssh import guard
from bonanca.actuators.ssh.session import HostRefused, HostUnreachable, connected
from bonanca.actuators.ssh.tests.conftest import RUN, Host
from tests.support.poll import eventually


def fence_of(host: Host) -> Path:
    fence = host.root / "run" / "fence"
    fence.parent.mkdir(parents=True)
    return fence


def test_a_fence_that_is_a_link_is_refused(host: Host, tmp_path: Path) -> None:
    fence, trap = fence_of(host), tmp_path / "trap"
    trap.mkdir()
    fence.symlink_to(trap)
    with connected(host.spec) as session, pytest.raises(HostRefused, match="not-ours"):
        session.run(("touch", str(tmp_path / "begun")), timeout_s=20, fence=str(fence), token=host.token())
    assert not (tmp_path / "begun").exists()
    assert list(trap.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_fence_of_another_user_is_refused(host: Host, tmp_path: Path) -> None:
    fence = fence_of(host)
    fence.mkdir()
    os.chown(fence, 54321, 54321)
    with connected(host.spec) as session, pytest.raises(HostRefused, match="not-ours"):
        session.run(("touch", str(tmp_path / "begun")), timeout_s=20, fence=str(fence), token=host.token())
    assert not (tmp_path / "begun").exists()


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
