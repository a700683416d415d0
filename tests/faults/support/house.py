"""Bonança's plans as real processes on a real PostgreSQL, each of which can be killed at a named place."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.durable import host
from tests.support.poll import eventually

ROOT = Path(__file__).resolve().parents[3]
STEPS = 4


class Talker:
    """A child that answers each JSON line with one; its other output goes to a file."""

    def __init__(self, module: str, env: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self.child = subprocess.Popen(
                [sys.executable, "-m", f"tests.faults.support.{module}"],
                env=env, cwd=ROOT, stderr=out, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert self.heard() == {"ready": True}

    def tell(self, **request: Any) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(request) + "\n")
        self.child.stdin.flush()

    def heard(self) -> dict[str, Any]:
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        assert line, self.log.read_text()[-2000:]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            if stream is not None and not stream.closed:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


class Worker:
    """A forked worker."""

    def __init__(self, name: str, pid: int, log: Path) -> None:
        self.name, self.pid, self.log = name, pid, log
        found = host.process(pid)
        self._started = found.started if found is not None else -1
        self.expected_dead = False

    def alive(self) -> bool:
        return host.alive(self.pid, self._started) is not None

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.expected_dead = True
        if self.alive():
            self.send(signal.SIGKILL)
        eventually(lambda: not self.alive(), every_s=0.002)


class House:
    """One database, the control folder of the crash points, and the processes of a test."""

    def __init__(self, folder: Path, *, web: str = "web", tables: str = "") -> None:
        """`web`: the module that starts its plans; `tables="all"`: those of every room."""
        self.folder, self._web_module = folder, web
        self.control = folder / "control"
        self.files = folder / "files"
        for path in (self.control, self.files, folder / "home"):
            path.mkdir(parents=True)
        self.cluster = Cluster(folder / "postgres")
        self.cluster.init(durable=False)
        self.cluster.start(durable=False)
        self.cluster.wait_ready()
        with psycopg.connect(self.cluster.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bonanca")
        self.workers_ever: list[Worker] = []
        self._web: Talker | None = None
        # (test, seconds that its plans took to end): what the decision record quotes.
        self.figures: list[tuple[str, float]] = []
        prepare = [sys.executable, "-m", "tests.faults.support.prepare", *tables.split()]
        # Each of them loads Django for a second or two: side by side.
        with ThreadPoolExecutor(2) as beside:
            nursery = beside.submit(Talker, "nursery", self.env(), folder / "nursery.log")
            if web != "web":
                beside.submit(self.web)
            subprocess.run(prepare, env=self.env(), cwd=ROOT, check=True)
            self._nursery = nursery.result()

    def env(self, **extra: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "DJANGO_SETTINGS_MODULE": "bonanca.config.settings",
            "DATABASE_URL": self.cluster.dsn("bonanca"),
            "BONANCA_HOME": str(self.folder / "home"),
            "BONANCA_CRASHPOINTS": str(self.control),
            "BONANCA_SECRET_KEY": "test",
            **extra,
        }

    def close(self) -> None:
        for worker in self.workers_ever:
            worker.kill()
        for talker in (self._nursery, self._web):
            if talker is not None:
                talker.kill()
        if (wanted := os.environ.get("BONANCA_FAULT_FIGURES")) is not None:
            Path(wanted).write_text("".join(f"{took_s:.3f} {test}\n" for test, took_s in self.figures))
        self.cluster.kill()
        self.cluster.stop()

    # -- processes -----------------------------------------------------------------------------------------------

    def worker(self, **env: str) -> Worker:
        """Start a worker; it is ready a moment later (`wait_worker`)."""
        name = f"w{len(self.workers_ever) + 1}"
        log = self.folder / f"{name}.log"
        log.touch()
        self._nursery.tell(slot=name, log=str(log), env=env)
        worker = Worker(name, self._nursery.heard()["pid"], log)
        self.workers_ever.append(worker)
        return worker

    def wait_worker(self, *workers: Worker) -> None:
        """Until they have entered themselves as executors."""
        for worker in workers:
            eventually(lambda w=worker: self._entered([w.name]), 30)

    def workers(self) -> list[Worker]:
        return [worker for worker in self.workers_ever if worker.alive()]

    def pool(self, size: int) -> None:
        """Have exactly so many workers, all ready."""
        for worker in self.workers_ever:
            assert worker.alive() or worker.expected_dead, worker.log.read_text()[-2000:]
        for worker in self.workers()[size:]:
            worker.kill()
        while len(self.workers()) < size:
            self.worker()
        self.wait_worker(*self.workers())

    def _entered(self, names: list[str]) -> bool:
        found = self.query("SELECT count(*) FROM durable_executor WHERE slot = ANY(%s)", names)
        return bool(found[0][0] == len(names))

    def web(self) -> Talker:
        if self._web is None or self._web.child.poll() is not None:
            if self._web is not None:
                self._web.kill()  # closes what is left of it
            self._web = Talker(self._web_module, self.env(), self.folder / "web.log")
        return self._web

    def tell(self, **request: Any) -> None:
        self.web().tell(**request)

    def heard(self) -> dict[str, Any]:
        return self.web().heard()

    def start(self, tag: str, *, arm: tuple[str, ...] = (), **more: Any) -> str:
        """Start the plan `tag`, with crash points armed before any worker can see it (RUN stands for its id)."""
        self.tell(**self.request(tag, arm=arm, **more))
        return str(self.heard()["run"])

    def request(self, tag: str, *, arm: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
        steps = [f"{tag}.{number}" for number in range(1, STEPS + 1)]
        return {
            "do": "start", "key": tag, "path": str(self.files / tag), "steps": steps,
            "arm": list(arm), "control": str(self.control), **more,
        }  # fmt: skip

    # -- crash points --------------------------------------------------------------------------------------------

    def reached(self, name: str, timeout_s: float = 10) -> int:
        """Wait until a process stands at the point; its pid."""
        found = eventually(lambda: list(self.control.glob(f"{name}@*")), timeout_s, 0.01)
        return int(found[0].name.rpartition("@")[2])

    def let_go(self) -> None:
        """Whoever stands at a point goes on; nobody stops any more."""
        for path in self.control.iterdir():
            path.unlink(missing_ok=True)

    def kill_pid(self, pid: int) -> None:
        next(worker for worker in self.workers_ever if worker.pid == pid and worker.alive()).kill()

    # -- what is true, from outside ------------------------------------------------------------------------------

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.cluster.dsn("bonanca"), autocommit=True, connect_timeout=5) as connection:
            return connection.execute(sql, values).fetchall()

    def state(self, run: str) -> str:
        rows = self.query("SELECT state FROM durable_planrun WHERE id = %s", run)
        return str(rows[0][0]) if rows else "none"

    def wait_finished(self, *runs: str, timeout_s: float = 10) -> float:
        """Seconds until all of them have ended."""
        began = time.monotonic()

        def all_ended() -> bool:
            try:
                rows = self.query(
                    "SELECT count(*) FROM durable_planrun WHERE id = ANY(%s::uuid[]) AND finished_at IS NOT NULL",
                    list(runs),
                )
            except psycopg.OperationalError:
                return False
            return bool(rows[0][0] == len(runs))

        eventually(all_ended, timeout_s, 0.02)
        took_s = time.monotonic() - began
        self.figures.append((os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0], took_s))
        return took_s

    def assert_done_once(self, tag: str, run: str) -> None:
        """The plan succeeded; each step is in effect once, has one receipt, and was told once to the house."""
        assert self.state(run) == "succeeded"
        expected = [f"{run}:{tag}.{number}" for number in range(1, STEPS + 1)]
        assert (self.files / tag).read_text().splitlines() == expected
        steps = self.query(
            "SELECT state, receipt->>'line' FROM durable_planstep WHERE run_id = %s ORDER BY position", run
        )
        assert steps == [("done", line) for line in expected]
        told = Counter(
            name for (name,) in self.query("SELECT name FROM outbox_outboxevent WHERE payload->>'run_id' = %s", run)
        )
        assert told == {"durable.plan.step_done.v1": STEPS, "durable.plan.finished.v1": 1}
        assert self.query("SELECT executor_id FROM durable_planrun WHERE id = %s", run) == [(None,)]
