"""Real servers that tests keep backups on: sshd on loopback, and one that speaks S3."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonanca.catalog.spec import PlaceSpec
from tests.support import sshd
from tests.support.sshd import keygen

__all__ = ["S3Server", "Sshd", "keygen", "running_s3", "running_sshd"]


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


@contextmanager
def running_sshd(folder: Path) -> Iterator[Sshd]:
    """A server that has files and no commands."""
    with sshd.running_sshd(folder, only_files=True) as server:
        yield Sshd(server.port, server.folder, server.key_file, server.known_hosts)


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
