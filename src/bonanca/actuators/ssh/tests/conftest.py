"""A host: a real sshd on loopback, and a service's root on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import pytest

from bonanca.actuators.ssh.spec import SshHost
from bonanca.durable.context import FenceToken, StepContext
from bonanca.kernel.clock import utc_now
from tests.support.privileges import SETPCAP, may_not
from tests.support.sshd import Sshd, running_sshd

RUN = UUID(int=1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("host")) as running:
        yield running


@pytest.fixture(scope="session")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Where the tests are root's, its root has to obey the permissions of files like everybody else."""
    less = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")
    with running_sshd(tmp_path_factory.mktemp("strict"), inside=() if may_not(SETPCAP) else less) as running:
        yield running


@dataclass
class Host:
    """The host as a test sees it: over SSH, and as a folder of this machine."""

    spec: SshHost
    root: Path

    @property
    def there(self) -> PurePosixPath:
        return PurePosixPath(self.root)

    def token(self, epoch: int = 1, run: UUID = RUN) -> FenceToken:
        return FenceToken(run, epoch)

    def context(self, key: str, **params: Any) -> StepContext:
        return StepContext(
            run_id=RUN,
            step_key=key,
            token=FenceToken(RUN, 1),
            params={"ssh": self.spec.to_json(), "root": str(self.root), **params},
            context={},
            receipts={},
            timeout_s=60,
            now=utc_now,
            progress=lambda fraction, text: None,
            still_mine=lambda: None,
            remaining_s=lambda: 60.0,
        )


def spec_of(server: Sshd, **changes: Any) -> SshHost:
    facts = {"key_file": server.key_file, "known_hosts": server.known_hosts, "port": server.port}
    return SshHost(**{"host": "127.0.0.1", "user": server.user, **facts, **changes})


@pytest.fixture
def host(server: Sshd, tmp_path: Path) -> Host:
    return Host(spec_of(server), tmp_path / "root")


@pytest.fixture
def strict_host(strict_server: Sshd, tmp_path: Path) -> Host:
    return Host(spec_of(strict_server), tmp_path / "root")


@pytest.fixture
def specs(server: Sshd) -> Callable[..., SshHost]:
    return lambda **changes: spec_of(server, **changes)
