"""`bonanca doctor` names what is wrong, says what to do, and its exit code agrees."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from bonanca.actuators.docker.engine import Engine
from bonanca.actuators.postgres.cluster import Cluster
from bonanca.cli.doctor import checks
from bonanca.cli.tests.test_main import command

SERVICE = """
  - slug: {name}
    name: Loja
    team: loja
    repository: {{path: {folder}/loja.git}}
    root: {folder}/{name}
    run:
      docker: {{image: "loja/api:{{commit12}}", endpoint: "{endpoint}"}}
      replicas: [{{port: {port}}}]
"""


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


@pytest.mark.parametrize("torn", ["hush/more", "s@hush"])
def test_a_password_that_tears_the_address_is_not_repeated(tmp_path: Path, torn: str) -> None:
    done = command("doctor", home=tmp_path, DATABASE_URL=f"postgresql://loja:{torn}@127.0.0.1:1/none")
    assert done.returncode == 1
    assert "database" in done.stdout
    assert "hush" not in done.stdout + done.stderr


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


def test_daemons_that_services_declare_are_asked_and_one_that_is_away_must_be_mended(
    tmp_path: Path, scratch_database: str, dockerd: Engine
) -> None:
    away, silent, strange = (f"unix://{tmp_path}/{name}" for name in ("away", "silent", "strange"))
    text = "version: 1\nteams: [{slug: loja, name: Loja}]\nservices:\n" + "".join(
        SERVICE.format(name=f"s{port}", folder=tmp_path, endpoint=endpoint, port=port)
        for port, endpoint in enumerate((dockerd.endpoint, away, silent, strange, away), start=9101)
    )
    (tmp_path / "bonanca.yaml").write_text(text)
    for words in (("migrate",), ("apply", str(tmp_path / "bonanca.yaml"))):
        done = command(*words, home=tmp_path, DATABASE_URL=scratch_database)
        assert done.returncode == 0, done.stdout + done.stderr
    with socket.socket(socket.AF_UNIX) as nobody, socket.socket(socket.AF_UNIX) as somebody:
        for door, endpoint in ((nobody, silent), (somebody, strange)):
            door.bind(endpoint.removeprefix("unix://"))
            door.listen()
        threading.Thread(target=speak, args=[somebody], daemon=True).start()
        done = command("doctor", "--json", home=tmp_path, DATABASE_URL=scratch_database)
    assert done.returncode == 1, done.stdout + done.stderr
    found = [check for check in json.loads(done.stdout)["checks"] if check["name"] == "docker"]
    (works,) = [check for check in found if check["status"] == "ok"]
    assert works["found"] == f"{dockerd.version()} at {dockerd.endpoint}"
    wrong = [check for check in found if check["status"] == "fail"]
    assert all(check["advice"] for check in wrong)
    assert [sum(endpoint in check["found"] for check in wrong) for endpoint in (away, silent, strange)] == [1, 1, 1]
    assert len(found) == 4


def speak(door: socket.socket) -> None:
    while True:
        try:
            caller, _address = door.accept()
        except OSError:
            return
        with caller, suppress(OSError):
            if caller.recv(4096):
                caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello")
