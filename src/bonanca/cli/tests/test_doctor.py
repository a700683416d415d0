"""`bonanca doctor` names what is wrong, says what to do, and its exit code agrees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.cli.doctor import checks
from bonanca.cli.tests.test_main import command


def findings(home: Path, **environment: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = command("doctor", "--json", home=home, **environment)
    return done.returncode, {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_a_fresh_machine_is_fit_and_left_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, found = findings(home)
    assert code == 0
    assert found["database"]["status"] == "ok"
    assert not home.exists()


def test_a_database_that_does_not_answer_must_be_mended(tmp_path: Path) -> None:
    code, found = findings(tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert code == 1
    assert found["database"]["status"] == "fail"
    assert found["database"]["advice"]


def test_a_database_that_is_not_prepared_must_be_mended(tmp_path: Path, scratch_database: str) -> None:
    code, found = findings(tmp_path, DATABASE_URL=scratch_database)
    assert code == 1
    assert found["database"]["found"].startswith("PostgreSQL 18")
    assert found["migrations"]["advice"] == "Run `bonanca migrate`."
    assert command("migrate", home=tmp_path, DATABASE_URL=scratch_database).returncode == 0
    assert findings(tmp_path, DATABASE_URL=scratch_database)[0] == 0


def test_a_full_disk_must_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_DISK_FAIL_BYTES", 10**18)
    assert checks._disk(tmp_path).status == "fail"


def test_a_stopped_embedded_server_is_told_and_not_started(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "postgres")
    cluster.init(durable=False)
    code, found = findings(tmp_path)
    assert code == 0
    assert "stopped" in found["database"]["found"]
    assert cluster.pid is None
