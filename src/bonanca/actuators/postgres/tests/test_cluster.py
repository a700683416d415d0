"""The server of our own: created, killed, orphaned, contended, and gone when it should be."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from bonanca.actuators.postgres import sandbox as sandboxes
from bonanca.actuators.postgres.binaries import pg_bin, pg_environment
from bonanca.actuators.postgres.cluster import Cluster, ClusterBusy, ClusterFailed
from bonanca.actuators.postgres.leftovers import read_pid_file, server_processes
from bonanca.actuators.postgres.lifeline import dying_with_parent
from bonanca.actuators.postgres.ports import PortTaken, free_port
from tests.support.poll import eventually


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "pg")
    made.init(durable=False)
    yield made
    made.stop()


@pytest.fixture
def running(made: Cluster) -> Cluster:
    made.start(durable=False)
    made.wait_ready()
    return made


def query(cluster: Cluster, sql: str) -> object:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        row = connection.execute(sql).fetchone()
        return row[0] if row else None


def test_it_is_postgresql_18_on_loopback_only(running: Cluster) -> None:
    assert str(query(running, "show server_version")).startswith("18")
    assert query(running, "show listen_addresses") == "127.0.0.1"
    assert query(running, "show unix_socket_directories") == ""


def test_it_asks_everybody_for_the_generated_password(running: Cluster) -> None:
    wrong = running.dsn().replace(running.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    assert (running.home / "password").stat().st_mode & 0o777 == 0o600


def test_it_is_durable_unless_told_otherwise(made: Cluster) -> None:
    made.start()
    made.wait_ready()
    settings = [query(made, f"show {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")]
    assert settings == ["on", "on", "on"]


def test_what_was_committed_survives_a_kill_and_the_port_stays(running: Cluster) -> None:
    with psycopg.connect(running.dsn(), autocommit=True) as connection:
        connection.execute("create table kept as select 42 as answer")
    port = running.port
    running.kill()
    assert running.pid is None
    running.start(durable=False)
    running.wait_ready()
    assert query(running, "select answer from kept") == 42
    assert running.port == port


def test_a_clean_stop_leaves_no_process_and_no_shared_memory(running: Cluster) -> None:
    segment = read_pid_file(running.data)
    running.kill()
    running.stop()
    assert server_processes(running.data) == []
    segments = [line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    assert segment is not None
    assert str(segment.shared_memory) not in segments


OWNER = """
import sys, time
from pathlib import Path
from bonanca.actuators.postgres.cluster import Cluster
cluster = Cluster(Path(sys.argv[1]))
cluster.start(durable=False)
cluster.wait_ready()
print(cluster.pid, flush=True)
sys.stdin.read()
"""


def owner_of(cluster: Cluster) -> subprocess.Popen[str]:
    """Start another process that owns the cluster, and return once its server answers."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(cluster.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert int(owner.stdout.readline()) > 0
    return owner


def end(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


def test_it_dies_with_an_owner_that_is_killed(made: Cluster) -> None:
    owner = owner_of(made)
    assert server_processes(made.data)
    end(owner)
    eventually(lambda: not server_processes(made.data))


def test_a_second_owner_is_refused_while_the_first_lives_and_welcome_after(made: Cluster) -> None:
    owner = owner_of(made)
    with pytest.raises(ClusterBusy, match="another process"):
        made.start(durable=False)
    assert made.pid in server_processes(made.data)  # the refusal did not touch it
    end(owner)
    made.start(durable=False)
    made.wait_ready()
    assert query(made, "select 1") == 1


def test_a_server_without_an_owner_is_stopped_first(made: Cluster) -> None:
    port = free_port()
    settings = ["-c", f"port={port}", "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]
    orphan = subprocess.Popen(
        sandboxes.choose_sandbox(made.home).argv([pg_bin("postgres"), "-D", made.data, *settings]),
        stderr=subprocess.DEVNULL,
        env=pg_environment(),
    )
    eventually(lambda: (read := read_pid_file(made.data)) is not None and read.ready)
    made.start(durable=False)
    made.wait_ready()
    assert orphan.wait(10) == 0
    assert query(made, "select 1") == 1


def test_it_outlives_the_thread_that_started_it(made: Cluster) -> None:
    # The kernel's parent-death signal follows threads, not processes.
    starter = threading.Thread(target=lambda: made.start(durable=False))
    starter.start()
    starter.join()
    made.wait_ready()
    for _ in range(3):
        assert query(made, "select 1") == 1
    assert made.exit_code is None


def test_a_port_that_was_asked_for_and_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        cluster = Cluster(tmp_path / "pg", port=port)
        cluster.init(durable=False)
        with pytest.raises(PortTaken, match=f"Port {port}"):
            cluster.start(durable=False)
    assert not (tmp_path / "pg" / "port").exists()


def test_a_remembered_port_that_is_taken_is_avoided(running: Cluster) -> None:
    before = running.port
    running.stop()
    with socket.create_server(("127.0.0.1", before), reuse_port=False):
        running.start(durable=False)
        running.wait_ready()
        assert running.port != before
        assert query(running, "select 1") == 1


def test_free_ports_are_not_those_of_outgoing_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(free_port() < max(first, 16_001) for _ in range(5))


def test_an_interrupted_creation_is_done_again(tmp_path: Path) -> None:
    half = tmp_path / "pg" / "data.new-half"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    cluster = Cluster(tmp_path / "pg")
    cluster.init(durable=False)
    assert not half.exists()
    password = cluster.password
    cluster.init(durable=False)
    assert cluster.password == password


_CREATE = """
import sys
from pathlib import Path
from bonanca.actuators.postgres.cluster import Cluster
try:
    Cluster(Path(sys.argv[1])).init()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.read()
"""


def test_ctrl_c_during_the_creation_ends_it_at_once(tmp_path: Path) -> None:
    home, argv = tmp_path / "pg", [sys.executable, "-c", _CREATE, str(tmp_path / "pg")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as creating:
        eventually(lambda: any(any(path.iterdir()) for path in home.glob("data.new-*[0-9a-f]") if path.is_dir()))
        creating.send_signal(signal.SIGINT)
        assert creating.stdout is not None
        assert creating.stdout.readline() == b"interrupted\n"
        # While its caller lives: nothing here waits for the parent-death signal.
        lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
        assert [line for line in lines if line[:1] == [str(pg_bin("initdb"))] and str(home) in " ".join(line)] == []
    assert not (home / "data").exists()


def test_a_server_that_cannot_start_says_why(made: Cluster) -> None:
    (made.data / "global" / "pg_control").rename(made.data / "global" / "moved")
    made.start(durable=False)
    with pytest.raises(ClusterFailed, match="pg_control"):
        made.wait_ready()


def test_starting_before_creating_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterFailed, match="init"):
        Cluster(tmp_path).start()


def test_every_sandbox_of_this_machine_runs_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ("a long and spaced name " * 6).strip()
    usable = []
    for number, candidate in enumerate(sandboxes._candidates()):
        place = home / str(number)
        place.mkdir(parents=True)
        if sandboxes._problem(candidate, place) is not None:
            continue  # forbidden on this machine; the chooser passes over it too
        usable.append(candidate.name)
        monkeypatch.setattr(sandboxes, "_candidates", lambda only=candidate: [only])
        cluster = Cluster(place)
        cluster.init(durable=False)
        cluster.start(durable=False)
        cluster.wait_ready()
        try:
            assert query(cluster, "select 1") == 1
            assert cluster.data.stat().st_uid == candidate.owner
        finally:
            cluster.stop()
    assert usable


def test_a_home_of_somebody_else_is_refused_with_what_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = sandboxes.Sandbox("plain", (), os.geteuid() + 1)
    monkeypatch.setattr(sandboxes, "_candidates", lambda: [foreign])
    (tmp_path / "data").mkdir()
    with pytest.raises(sandboxes.CannotRunPostgres, match="belongs to uid"):
        sandboxes.choose_sandbox(tmp_path)


def test_the_parent_death_wrapper_gives_up_when_the_parent_is_already_gone() -> None:
    argv = dying_with_parent(["/bin/echo", "alive"], "KILL")
    argv[argv.index(str(os.getpid()))] = "1"  # as if somebody else had forked it
    done = subprocess.run(argv, capture_output=True)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, b"")
