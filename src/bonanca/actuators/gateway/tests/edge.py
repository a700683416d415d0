"""Real parts for the agent's tests: a web that can die, replicas that count, and the agent as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psutil

from bonanca.actuators.gateway.wire import Backend, Desired, Directive, Route, encode

TOKEN = "bnc_test-gateway"

RUN = """
import json, sys
from pathlib import Path
from bonanca.actuators.gateway.agent.main import run
options = json.loads(sys.argv[1])
options["home"], options["token_file"] = Path(options["home"]), Path(options["token_file"])
run(**options, started=lambda url: print(url, flush=True))
"""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: peers are killed here."""


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests assert what was answered."""

    def send(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # An agent that was killed no longer listens.
            self.wfile.write(body)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


class Replica(AbstractContextManager["Replica"]):
    """One replica of a shop: answers with its name, fails when told to, counts what it was asked."""

    def __init__(self, name: str = "replica") -> None:
        self.name, self.status = name, 200
        self.hits: Counter[str] = Counter()
        replica = self

        class Handler(_Quiet):
            def answer(self) -> None:
                sent = self.body()
                path = urlsplit(self.path).path
                replica.hits[path] += 1
                status = 200 if path == "/health" else replica.status
                self.send(status, json.dumps({"from": replica.name, "path": path, "got": sent.decode()}).encode())

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names that the base class looks up

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __exit__(self, *_: object) -> None:
        self.stop()


class WebStub(AbstractContextManager["WebStub"]):
    """The two endpoints of web, over a document that the test sets; `die` and `revive` as the test likes."""

    def __init__(self) -> None:
        self.document = encode(Desired(gateway="default", version=0))
        self.version = 0
        self.reports: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._server: _Server | None = None
        self.port = 0
        self.revive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def set(self, desired: Desired) -> None:
        self.set_raw(encode(desired), desired.version)

    def set_raw(self, document: bytes, version: int) -> None:
        with self._news:
            self.document, self.version = document, version
            self._news.notify_all()

    def revive(self) -> None:
        stub = self

        class Handler(_Quiet):
            def do_GET(self) -> None:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    return self.send(401)
                asked = parse_qs(urlsplit(self.path).query)
                since, wait_s = int(asked["since"][0]), float(asked["wait"][0])
                with stub._news:
                    stub._news.wait_for(lambda: stub.version != since or stub._server is None, min(wait_s, 5.0))
                    if stub.version == since:
                        return self.send(204)
                    document = stub.document
                return self.send(200, document)

            def do_POST(self) -> None:
                stub.reports.append(json.loads(self.body()))
                self.send(200, b"{}")

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def die(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            with self._news:
                self._news.notify_all()
            server.shutdown()
            server.server_close()

    def __exit__(self, *_: object) -> None:
        self.die()

    def applied(self) -> int:
        return max((r["version"] for r in self.reports), default=-1)


class AgentProcess(AbstractContextManager["AgentProcess"]):
    """`bonanca gateway` as a process of its own, with Traefik under it."""

    def __init__(self, home: Path, web_url: str, **options: object) -> None:
        self.home = home
        token = home / "token"
        if not token.exists():
            home.mkdir(parents=True, exist_ok=True)
            token.write_text(TOKEN)
            token.chmod(0o600)
        self.options = {"home": str(home), "token_file": str(token), "web_url": web_url, **options}
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        # One client for all: a new one reads the machine's certificates, which takes longer than what is measured.
        self._visitor = httpx.Client(trust_env=False)

    def start(self) -> AgentProcess:
        argv = [sys.executable, "-c", RUN, json.dumps(self.options)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            _, errors = self.process.communicate(timeout=10)
            raise AssertionError(f"the agent did not start ({self.process.returncode}): {errors[-2000:]}")
        # Its log goes on; nobody reads it, and a full pipe would stop it.
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=_drain, args=(stream,), daemon=True).start()
        return self

    __enter__ = start

    def state(self) -> dict[str, Any]:
        return json.loads((self.home / "gateway" / "default" / "state.json").read_text())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._visitor.request(options.pop("method", "GET"), self.url + path, **options)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> float:
        """End it as a supervisor does; return how long it took in seconds."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        return time.monotonic() - began

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._visitor.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise


def _drain(stream: Any) -> None:
    with stream:
        for _ in stream:
            pass


def traefiks_of(home: Path) -> list[int]:
    """Return the process ids of every Traefik that runs from `home`."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if any(part.startswith(f"--configFile={home}{os.sep}") for part in line) and process.status() != "zombie":
            found.append(process.pid)
    return found


def shop(*replicas: Replica, service: str = "loja-api", path: str = "/", host: str | None = None) -> Route:
    """Return a route to the replicas."""
    return Route(service, path, tuple(Backend(r.url) for r in replicas), host, "/health")


def closed(match: str | None = "/checkout", *, key: str = "run:close", for_s: float = 600, **changes: Any) -> Directive:
    """Return a directive that takes `match` out for `for_s` seconds from now."""
    facts: dict[str, Any] = {"service": "loja-api", "kind": "disable", "message": "Voltamos já.", "retry_after_s": 30}
    expires_at = datetime.now(UTC) + timedelta(seconds=for_s)
    return Directive(key=key, match=match, expires_at=expires_at, **(facts | changes))


def desired(version: int, *routes: Route, directives: tuple[Directive, ...] = ()) -> Desired:
    """Return a desired state of the gateway `default`."""
    return Desired("default", version, routes, directives)


def seconds_until(truth: Callable[[], bool], within_s: float = 10.0) -> float:
    """Ask every 10 ms until it is true; return how long it took in seconds."""
    began = time.monotonic()
    while not truth():
        if time.monotonic() - began > within_s:
            raise AssertionError(f"not so within {within_s} s")
        time.sleep(0.01)
    return time.monotonic() - began
