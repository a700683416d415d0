"""A service at home on another host: a real sshd, and a folder that is that host's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bonanca.catalog.spec import HostSpec, ReplicaSpec, RunSpec, ServiceView, UnitsSpec
from tests.support.sshd import Sshd, running_sshd


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def service(sshd: Sshd, tmp_path: Path) -> ServiceView:
    host = HostSpec(sshd.user, "127.0.0.1", sshd.key_file, sshd.known_hosts, sshd.port)
    run = RunSpec((), (ReplicaSpec(8001),), systemd=UnitsSpec("loja.service"), host=host)
    root = tmp_path / "root"
    (root / "releases" / "abc").mkdir(parents=True)
    (root / "current").symlink_to("releases/abc")
    return ServiceView("loja", "Loja", "loja", root=root, run=run)
