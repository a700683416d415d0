"""A service's own commands and files on its other host: a real sshd, and a folder that is that host's."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from bonanca.actuators.ssh.session import HostRefused
from bonanca.catalog.spec import ServiceView
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from bonanca.running.homes import Found, home_of, read_far, release_now, run_far


def test_a_command_gets_its_rows_and_its_answers_come_back_whole(service: ServiceView) -> None:
    rows, answers = io.BytesIO(b"".join(b'{"key": "%d"}\n' % n for n in range(20_000))), io.BytesIO()
    ended = run_far(
        service,
        ("sh", "-c", 'cat; echo "$LEVEL in $PWD for $0" >&2; exit 3', "{release}"),
        timeout_s=60,
        env={"LEVEL": "info"},
        input=rows,
        stdout=answers,
    )
    assert answers.getvalue() == rows.getvalue()
    current = f"{service.root}/current"
    assert (ended.code, ended.stderr) == (3, f"info in {current} for {current}\n")
    assert service.root is not None
    assert list((service.root / "run").iterdir()) == []


def test_an_outdated_worker_runs_nothing_there(service: ServiceView, tmp_path: Path) -> None:
    run = uuid4()

    def touch(name: str, epoch: int) -> None:
        rows = io.BytesIO(b"{}\n")
        run_far(service, ("touch", str(tmp_path / name)), timeout_s=30, input=rows, token=FenceToken(run, epoch))

    touch("new", 2)
    with pytest.raises(Fenced):
        touch("old", 1)
    assert (tmp_path / "new").exists()
    assert not (tmp_path / "old").exists()


def test_files_and_the_release_are_looked_at_there(service: ServiceView) -> None:
    assert service.root is not None
    assert release_now(service) == "abc"
    (service.root / "loja.toml").write_bytes(b"limit = 1\xff")
    (service.root / "loja.toml").chmod(0o640)
    assert read_far(service, service.root / "loja.toml") == Found(b"limit = 1\xff", 0o640)
    assert read_far(service, service.root / "nothing") is None
    with pytest.raises(HostRefused):
        read_far(service, service.root)
    (service.root / "current").unlink()
    assert release_now(service) is None


def test_a_service_of_this_host_needs_no_session(service: ServiceView) -> None:
    assert service.run is not None
    near = replace(service, run=replace(service.run, host=None))
    with home_of(near) as session:
        assert session is None
    assert release_now(near) == "abc"
