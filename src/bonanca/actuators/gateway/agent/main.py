"""`bonanca gateway`: what it does from start to end.

Three things go on at once and none waits for another: asking web, making Traefik do what is known
(also ending what expires), and telling web what is live. Only the second is needed for visitors.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import structlog

from bonanca.actuators.gateway.agent.configuration import dynamic_configuration
from bonanca.actuators.gateway.agent.polite_server import PoliteServer
from bonanca.actuators.gateway.agent.store import Store
from bonanca.actuators.gateway.agent.traefik import Traefik, routes_differently, write_dynamic
from bonanca.actuators.gateway.agent.web import Token, Web, WebSilent
from bonanca.actuators.gateway.wire import Applied, Desired, DesiredRefused, Directive, slug_fault
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Invalid
from bonanca.kernel.home import bonanca_home

log = structlog.get_logger("bonanca.gateway")

# Web answers at once when something changes; short, because a web that is told to stop waits for its answers.
POLL_S = 5.0
HEARTBEAT_S = 5.0
# How long Traefik may take before the file is written again, and before Traefik is started again; seconds.
REWRITE_S = 2.0
RESTART_S = 8.0
UNKNOWN = -1


class Agent:
    """One gateway of this host."""

    def __init__(
        self, gateway: str, folder: Path, web: Web, *, entry_host: str, entry_port: int | None, advertised: str | None
    ) -> None:
        self.gateway = gateway
        self._advertised = advertised
        self._web = web
        self._store = Store(folder, gateway)
        self._pages = PoliteServer(self._find)
        self.traefik = Traefik(self._store, entry_host=entry_host, entry_port=entry_port)
        self._entry_host = entry_host
        self._desired = Desired(gateway=gateway, version=0)
        self._known = UNKNOWN
        self._applied: tuple[int, datetime] | None = None
        self._seen_restarts = 0
        self._refused = ""
        self._saving: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._report_due = asyncio.Event()

    async def run(self, stop: asyncio.Event, started: Callable[[], None] | None = None) -> None:
        """Serve until `stop` is set, then leave no process, port or lock behind.

        Raises:
            Conflict: the entry port is taken, or another agent runs this gateway.
            Unavailable: Traefik is not there or does not start.
        """
        self._store.open()
        try:
            self._start_from_disk()
            await self._pages.start()
            # Written before Traefik starts, so that it has routes as soon as it listens.
            wanted = self._wanted(utc_now())
            write_dynamic(self._store.folder, wanted)
            await self.traefik.start()
            with suppress(TimeoutError):  # What is not live by then is seen to while it runs.
                async with asyncio.timeout(REWRITE_S):
                    await self._see_it_live(wanted)
            self._tell_host()
            if started is not None:
                started()
            await self._work_until(stop)
        finally:
            await self.traefik.close()
            await self._pages.stop()
            await self._web.close()
            self._store.close()

    async def _work_until(self, stop: asyncio.Event) -> None:
        jobs = [self.traefik.keep_running(), self._ask_web(), self._make_live(), self._tell_web(), stop.wait()]
        tasks = [asyncio.ensure_future(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._saving is not None:
                await self._saving

    def _start_from_disk(self) -> None:
        kept, fault = self._store.load_desired()
        if fault:
            log.error("gateway.kept_state_refused", reason=fault)
            self._refused = f"kept on disk: {fault}"
        if kept is not None:
            self._desired = kept

    def _find(self, mark: str) -> Directive | None:
        return next((d for d in self._desired.directives if d.mark == mark), None)

    def _wanted(self, now: datetime) -> dict[str, object]:
        return dynamic_configuration(self._desired.at(now), polite_port=self._pages.port)

    async def _ask_web(self) -> None:
        """Keep the desired state up to date for as long as web answers."""
        wait_s, silent = 0.1, False
        while True:
            try:
                answer = await self._web.desired(since=self._known, wait_s=POLL_S)
                wait_s, silent = 0.1, self._web_is_back(silent)
                if answer is not None:
                    self._take(answer)
            except WebSilent as error:
                if not silent:
                    log.warning("gateway.web_silent", reason=str(error))
                # What web says after an outage is taken whole: it may have been restored from a backup.
                silent, self._known = True, UNKNOWN
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 1.0)
            except DesiredRefused as refused:
                if str(refused) != self._refused:
                    log.error("gateway.desired_refused", reason=str(refused))
                self._refused = str(refused)[:500]
                self._report_due.set()
                await asyncio.sleep(1.0)

    def _web_is_back(self, was_silent: bool) -> bool:
        if was_silent:
            log.info("gateway.web_answers")
            self._report_due.set()
        return False

    def _take(self, desired: Desired) -> None:
        self._known = desired.version
        self._refused = ""
        if desired != self._desired:
            self._desired = desired
            self._changed.set()
            # Beside, not before: a disk that is busy syncing must not hold a containment up.
            self._saving = asyncio.create_task(self._keep(desired, self._saving))
        elif self._applied is None or self._applied[0] != desired.version:
            self._changed.set()
        self._report_due.set()

    async def _keep(self, desired: Desired, before: asyncio.Task[None] | None) -> None:
        """Write `desired` to disk, after the one before it, so that the newest is what stays."""
        if before is not None:
            await before
        try:
            await asyncio.to_thread(self._store.save_desired, desired)
        except OSError as error:
            # A full disk costs the next start its memory, not visitors their containment.
            log.error("gateway.not_kept", reason=str(error))

    async def _make_live(self) -> None:
        """Write what is wanted now, see that Traefik does it, sleep until it changes or something expires."""
        while True:
            self._changed.clear()
            now = utc_now()
            try:
                await self._make_live_at(now)
            except OSError as error:
                # Without a disk nothing new can be applied, but what is live stays live.
                log.error("gateway.not_written", reason=str(error))
            await self._sleep_until(self._desired.next_expiry(now))

    async def _make_live_at(self, now: datetime) -> None:
        desired, restarts = self._desired, self.traefik.restarts
        wanted = self._wanted(now)
        written = write_dynamic(self._store.folder, wanted)
        if not written and not self._is_news(desired) and restarts == self._seen_restarts:
            return
        await self._see_it_live(wanted)
        if not self._changed.is_set():
            self._applied, self._seen_restarts = (desired.version, utc_now()), restarts
            self._report_due.set()
            self._tell_host()

    def _is_news(self, desired: Desired) -> bool:
        return self._applied is None or self._applied[0] != desired.version

    async def _see_it_live(self, wanted: dict[str, object]) -> None:
        """Wait until Traefik routes as wanted. A file watcher can miss a change: write again, then start it again."""
        began, rewritten = time.monotonic(), False
        while difference := routes_differently(await self.traefik.live(), wanted):
            if self._changed.is_set():
                return
            waited = time.monotonic() - began
            if waited > RESTART_S:
                log.error("gateway.not_applied", difference=difference, action="restart")
                await self.traefik.kill()
                began, rewritten = time.monotonic(), False
            elif waited > REWRITE_S and not rewritten:
                log.warning("gateway.not_applied", difference=difference, action="rewrite")
                write_dynamic(self._store.folder, wanted, even_if_same=True)
                rewritten = True
            await asyncio.sleep(0.02)

    async def _sleep_until(self, expiry: datetime | None) -> None:
        # In slices: the wall clock can be set, and Traefik can come back from a crash, while we sleep.
        left_s = min((expiry - utc_now()).total_seconds(), 1.0) if expiry is not None else 1.0
        with suppress(TimeoutError):
            async with asyncio.timeout(max(left_s, 0.0)):
                await self._changed.wait()

    async def _tell_web(self) -> None:
        """Report what is live at once when it changes and every few seconds as a sign of life."""
        while True:
            # Not wait_for: on Python 3.11 it swallows a cancellation that meets the event, and the agent never ends.
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._report_due.wait()
            self._report_due.clear()
            if self._applied is None:
                continue
            try:
                await self._web.report(self._report())
            except WebSilent as error:
                # The poll says loudly when web is gone; here it is enough to try again.
                log.debug("gateway.report_not_taken", reason=str(error))
                await asyncio.sleep(0.5)
                self._report_due.set()

    def _report(self) -> Applied:
        assert self._applied is not None
        version, applied_at = self._applied
        return Applied(
            gateway=self.gateway,
            version=version,
            applied_at=applied_at,
            entry_url=self.entry_url,
            metrics_url=self.metrics_url,
            host=socket.gethostname(),
            pid=os.getpid(),
            refused=self._refused,
        )

    @property
    def entry_url(self) -> str:
        """Where visitors reach this gateway."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._entry_host, self._entry_host)  # noqa: S104
        return (
            self._advertised
            or f"http://{f'[{host}]' if ':' in host and host[0] != '[' else host}:{self.traefik.ports.entry}"
        )

    @property
    def metrics_url(self) -> str:
        """Where this host's processes read the counters."""
        return f"http://127.0.0.1:{self.traefik.ports.metrics}/metrics"

    def _tell_host(self) -> None:
        ports = self.traefik.ports
        self._store.save_state(
            {
                "gateway": self.gateway,
                "pid": os.getpid(),
                "traefik_pid": self.traefik.pid,
                "entry_url": self.entry_url,
                "metrics_url": self.metrics_url,
                "entry_port": ports.entry,
                "metrics_port": ports.metrics,
                "api_port": ports.api,
                "polite_port": self._pages.port,
                "version": self._applied[0] if self._applied else None,
                "applied_at": self._applied[1].isoformat() if self._applied else None,
            }
        )


def run(
    *,
    gateway: str = "default",
    web_url: str = "http://127.0.0.1:8000",
    token_file: Path | None = None,
    entry_host: str = "127.0.0.1",
    entry_port: int | None = None,
    advertised_url: str | None = None,
    home: Path | None = None,
    started: Callable[[str], None] | None = None,
) -> None:
    """Run the gateway until SIGTERM or SIGINT; `started` is called with the entry URL once it serves.

    Args:
        gateway: its name in the desired state; its folder is BONANCA_HOME/gateway/<name>.
        web_url: where `bonanca web` answers; it may be down, now or later.
        token_file: bearer token of scope `gateway`, mode 0600; without it BONANCA_GATEWAY_TOKEN is read.
        entry_host: address to listen on for visitors. entry_port: None takes the last or a free one.
        advertised_url: how visitors reach it, when that is not what it listens on.

    Raises:
        Invalid: the name is not a slug, or the token file can be read by others.
        Conflict: the entry port is taken, or this gateway already runs here.
        Unavailable: Traefik is not installed or does not start.
    """
    if fault := slug_fault(gateway):
        raise Invalid(f"gateway: {fault}", field="gateway")
    asyncio.run(
        _run(gateway, web_url, token_file, entry_host, entry_port, advertised_url, home or bonanca_home(), started)
    )


async def _run(
    gateway: str,
    web_url: str,
    token_file: Path | None,
    entry_host: str,
    entry_port: int | None,
    advertised_url: str | None,
    home: Path,
    started: Callable[[str], None] | None,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    token = Token(token_file)
    token.check()
    agent = Agent(
        gateway,
        home / "gateway" / gateway,
        Web(web_url, gateway, token),
        entry_host=entry_host,
        entry_port=entry_port,
        advertised=advertised_url,
    )
    await agent.run(stop, (lambda: started(agent.entry_url)) if started is not None else None)
