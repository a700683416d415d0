"""A real sshd on loopback, with keys of its own, as whoever runs the tests."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.poll import eventually

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass
class Sshd:
    """A server that lets one key in; `folder` is for whatever a test keeps on "its" host."""

    port: int
    folder: Path
    key_file: Path
    known_hosts: Path
    log: Path
    argv: list[str] = field(repr=False, default_factory=list)
    process: subprocess.Popen[bytes] | None = field(repr=False, default=None)

    @property
    def user(self) -> str:
        return getpass.getuser()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.argv, stderr=log, start_new_session=True)
        eventually(lambda: _answers(self.port))

    def stop(self) -> None:
        """End the server and every session of it."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def keygen(path: Path) -> str:
    """Make a key pair; returns the public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_name(path.name + ".pub").read_text().strip()


@contextmanager
def running_sshd(folder: Path, *, only_files: bool = False, inside: Sequence[str] = ()) -> Iterator[Sshd]:
    """Debian's sshd; `only_files` for SFTP alone, `inside` is what goes before its command (namespaces)."""
    assert SSHD is not None, "openssh-server is missing: scripts/test-needs installs it"
    port = free_port()
    host, mine = keygen(folder / "host"), keygen(folder / "key")
    (folder / "authorized").write_text(mine + "\n")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host}\n")
    config = folder / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder / 'host'}\nPidFile none\n"
        f"AuthorizedKeysFile {folder / 'authorized'}\nStrictModes no\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
        + ("ForceCommand internal-sftp\n" if only_files else "")
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    (folder / "data").mkdir()
    argv = [*inside, SSHD, "-D", "-e", "-f", str(config)]
    server = Sshd(port, folder / "data", folder / "key", folder / "known_hosts", folder / "log", argv)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as door:
            return door.recv(4) == b"SSH-"
    except OSError:
        return False
