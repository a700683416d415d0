"""Real servers that tests keep backups on: sshd on loopback, and one that speaks S3."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonanca.catalog.spec import PlaceSpec
from tests.support.poll import eventually

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Sshd:
    """A server that lets one key in, and the place that it is."""

    port: int
    folder: Path
    key_file: Path
    known_hosts: Path

    def place(self, name: str = "copies", **changes: Any) -> PlaceSpec:
        options = {"key_file": self.key_file, "known_hosts": self.known_hosts, "allow_private": True} | changes
        return PlaceSpec(f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}{self.folder}/{name}", **options)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def keygen(path: Path) -> str:
    """Make a key pair; returns the public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_name(path.name + ".pub").read_text().strip()


@contextmanager
def running_sshd(folder: Path) -> Iterator[Sshd]:
    """Debian's sshd with keys of its own, as whoever runs the tests."""
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
        "ForceCommand internal-sftp\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log)
    try:
        eventually(lambda: _answers(port))
        (folder / "data").mkdir()
        yield Sshd(port, folder / "data", folder / "key", folder / "known_hosts")
    finally:
        server.kill()
        server.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as door:
            return door.recv(4) == b"SSH-"
    except OSError:
        return False


@dataclass(frozen=True)
class S3Server:
    """A server with the buckets `plain` and `locked` (versions and object lock)."""

    endpoint: str
    credentials: Path
    client: Any

    def place(self, bucket: str = "plain", prefix: str = "copies", **changes: Any) -> PlaceSpec:
        options = {
            "endpoint": self.endpoint,
            "credentials_file": self.credentials,
            "allow_http": True,
            "allow_private": True,
        } | changes
        return PlaceSpec(f"s3://{bucket}/{prefix}", **options)


@contextmanager
def running_s3(folder: Path) -> Iterator[S3Server]:
    """moto's server in a thread of ours: signatures, parts, versions and locks over real HTTP."""
    import botocore.session
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    credentials = folder / "credentials"
    credentials.write_text("[default]\naws_access_key_id = AKIATEST\naws_secret_access_key = secret\n")
    session = botocore.session.Session()
    session.set_config_variable("credentials_file", str(credentials))
    client = session.create_client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="plain")
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    try:
        yield S3Server(endpoint, credentials, client)
    finally:
        client.close()
        server.stop()
