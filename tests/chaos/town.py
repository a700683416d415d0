"""One Bonança as separate processes, each of which can be killed at any time and is started again at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.lifeline import dying_with_parent, spawn
from bonanca.actuators.postgres.ports import free_port
from bonanca.cli.demo.outcome import CheckFailed
from bonanca.cli.demo.person import Person
from bonanca.durable import host
from tests.chaos.kiosk import Kiosk
from tests.support.clocks import Clock
from tests.support.proxy import Line

ROOT = Path(__file__).resolve().parents[2]
# Two of each, as where one may be lost; the gateway has its desired state from the first.
WORKERS = ("1", "2")
WEBS = ("web", "web2")
T = TypeVar("T")


class Stuck(Exception):
    """Something that should have happened by itself has not."""


class Town:
    """The service, Bonança's processes and a person with a token, below one folder.

    `durable`: with fsync; `spare`: a copy of the newest pin lies ready. `breakable`: workers live by a wall clock of
    their own (`clock`) and reach both PostgreSQL servers through lines of ours (`line`, `service_line`), to which
    trouble can be done.
    """

    def __init__(self, folder: Path, *, durable: bool = False, spare: bool = False, breakable: bool = False) -> None:
        self.folder, self.durable, self.breakable = folder, durable, breakable
        self.home = folder / "bonanca"
        self.control = folder / "control"
        self.kiosk = Kiosk(folder / "kiosk", durable=durable, spare=spare)
        self.cluster = Cluster(self.home / "postgres")
        self.workers: dict[str, int] = {}
        self.served: dict[str, subprocess.Popen[bytes]] = {}
        self._closing = threading.Event()
        self._lock = threading.RLock()
        self._nursery: subprocess.Popen[str] | None = None
        self._persons: list[Person] = []
        self._at = 0
        self.restarts = 0
        # Those that are not started again when they die.
        self.lost: set[str] = set()

    def __enter__(self) -> Town:
        for path in (self.home, self.control, self.kiosk.folder):
            path.mkdir(parents=True)
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        self.clock = Clock(self.folder / "clock")
        self.line = Line(lambda: self.cluster.port)
        self.service_line = Line(lambda: self.kiosk.cluster.port)
        self.kiosk.build(self.service_line.port if self.breakable else None)
        self.cluster.init(durable=self.durable)
        self.start_database()
        with psycopg.connect(self.cluster.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bonanca")
        self.entry_port = free_port()
        ports = {name: free_port() for name in WEBS}
        token = str(self.home / "gateway-token")
        self._once("prepare", "--gateway-token", token)
        webs = [f"http://127.0.0.1:{port}" for port in ports.values()]
        self._programs = {name: ["web", "--port", str(port)] for name, port in ports.items()}
        self._programs["gateway"] = [
            "gateway",
            "--web",
            ",".join(webs),
            "--token-file",
            token,
            "--port",
            str(self.entry_port),
        ]
        self._nursery = self._forked("tests.chaos.nursery")
        for name in self._programs:
            self._serve(name)
        for slot in WORKERS:
            self._work(slot)
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        self.apply()
        secret = json.loads(self._once("token", "create", "--name", "chaos", "--user", "ana@kiosk.example", "--json"))
        self._persons = [Person(web, secret["secret"]) for web in webs]
        for _ in webs:
            self.insist(lambda: self.person.get("me"), "web answers")
            self._turn_to_the_other()

    def close(self) -> None:
        self._closing.set()
        self.let_go()
        with self._lock:
            for pid in self.workers.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for child in self.served.values():
                child.kill()
                child.wait()
        if self._nursery is not None:
            self._nursery.kill()
            self._nursery.communicate()
        for person in self._persons:
            person.close()
        for end in (self.kiosk.stop, self.cluster.kill, self.cluster.stop, self.line.close, self.service_line.close):
            with contextlib.suppress(Exception):
                end()

    @property
    def person(self) -> Person:
        """Somebody with a token, at the pages that answered last."""
        return self._persons[self._at]

    def _turn_to_the_other(self) -> None:
        self._at = (self._at + 1) % len(self._persons)

    # -- processes -------------------------------------------------------------------------------------------------

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BONANCA_", "PYTEST"))}
        return {
            **kept,
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "DATABASE_URL": self.cluster.dsn("bonanca"),
            "DJANGO_SETTINGS_MODULE": "bonanca.config.settings",
            "BONANCA_HOME": str(self.home),
            "BONANCA_SECRET_KEY": "chaos",
            "BONANCA_CRASHPOINTS": str(self.control),
            "PYTHONWARNINGS": "default",
        }

    def apply(self) -> None:
        """Have the kiosk's declaration applied, as it is now."""
        self._once("apply", str(self.kiosk.declaration))

    def _once(self, *words: str) -> str:
        argv = [sys.executable, "-m", "bonanca.cli.main", *words]
        done = subprocess.run(argv, env=self.env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise Stuck(f"bonanca {' '.join(words)}: {(done.stderr or done.stdout)[-800:]}")
        return done.stdout

    def _forked(self, module: str) -> subprocess.Popen[str]:
        log = (self.folder / "nursery.log").open("ab")
        env = self.env
        if self.breakable:
            through = self.cluster.dsn("bonanca").replace(f":{self.cluster.port}/", f":{self.line.port}/")
            env = env | {"DATABASE_URL": through} | self.clock.environment()
        child = subprocess.Popen(
            [sys.executable, "-m", module], env=env, cwd=ROOT, stderr=log,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        log.close()
        assert child.stdout is not None
        if json.loads(child.stdout.readline() or "{}") != {"ready": True}:
            raise Stuck((self.folder / "nursery.log").read_text()[-800:])
        return child

    def _work(self, slot: str) -> None:
        assert self._nursery is not None
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        request = {"slot": slot, "log": str(self.folder / f"worker{slot}.log")}
        self._nursery.stdin.write(json.dumps(request) + "\n")
        self._nursery.stdin.flush()
        self.workers[slot] = json.loads(self._nursery.stdout.readline())["pid"]

    def _serve(self, name: str) -> None:
        argv = dying_with_parent([sys.executable, "-m", "bonanca.cli.main", *self._programs[name]], "KILL")
        with (self.folder / f"{name}.log").open("ab") as log:
            self.served[name] = spawn(
                lambda: subprocess.Popen(
                    argv, env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            )

    def _keep(self) -> None:
        while not self._closing.wait(0.05):
            with self._lock:
                if self._closing.is_set():
                    return
                for slot, pid in self.workers.items():
                    if slot not in self.lost and host.process(pid) is None:
                        self.restarts += 1
                        self._work(slot)
                for name, child in self.served.items():
                    if name not in self.lost and child.poll() is not None:
                        self.restarts += 1
                        self._serve(name)

    def kill(self, name: str) -> None:
        """SIGKILL to one of WEBS or the gateway."""
        with self._lock:
            self.served[name].kill()

    def lose(self, name: str) -> None:
        """SIGKILL to a worker (its slot) or one of WEBS, which is not started again until it is in `lost` no more."""
        with self._lock:
            self.lost.add(name)
            if name in self.workers:
                os.kill(self.workers[name], signal.SIGKILL)
            else:
                self.served[name].kill()
                self.served[name].wait()

    def address_of(self, web: str) -> str:
        return f"http://127.0.0.1:{self._programs[web][-1]}"

    def person_at(self, web: str) -> Person:
        return self._persons[WEBS.index(web)]

    def kill_worker(self, pid: int) -> None:
        if pid in self.workers.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start_database(self) -> None:
        self.cluster.start(durable=self.durable)
        self.cluster.wait_ready()

    def whole(self) -> bool:
        """Whether everything runs and answers."""
        with self._lock:
            alive = all(host.process(pid) is not None for pid in self.workers.values())
        try:
            for person in self._persons:
                person.get("me")
            return alive and httpx.get(f"{self.entry}/version", timeout=5).status_code == 200
        except (httpx.HTTPError, CheckFailed):
            return False

    @property
    def entry(self) -> str:
        return f"http://127.0.0.1:{self.entry_port}"

    # -- crash points ----------------------------------------------------------------------------------------------

    def arm(self, name: str) -> None:
        (self.control / name).touch()

    def reached(self, name: str) -> int | None:
        """Who stands at the point."""
        for path in self.control.glob(f"{name}@*"):
            return int(path.name.rpartition("@")[2])
        return None

    def let_go(self) -> None:
        for path in self.control.glob("*"):
            path.unlink(missing_ok=True)

    # -- looking and asking ----------------------------------------------------------------------------------------

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.cluster.dsn("bonanca"), autocommit=True, connect_timeout=5) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def insist(self, ask: Callable[[], T], what: str, timeout_s: float = 60.0) -> T:
        """Ask until it is answered: a person reloads the page when the server was away."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return ask()
            except httpx.HTTPError as away:
                problem = str(away)
                self._turn_to_the_other()
            except psycopg.OperationalError as away:
                problem = str(away)
            except CheckFailed as refused:
                problem = str(refused)
                if not any(f" {status} " in problem for status in (500, 502, 503)):
                    raise
            if time.monotonic() > deadline:
                raise Stuck(f"{what}: {problem}")
            time.sleep(0.1)
