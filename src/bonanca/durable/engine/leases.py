"""Workers take plans from PostgreSQL under a lease with an epoch. There is no other queue and no other state.

A plan can be taken when it is new or when its worker is dead; taking it raises its epoch, and the older worker can
write nothing any more. So recovery is not a mode: it is the same claim as ever.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import psycopg
import structlog
from django.db import connection
from django.utils.translation import gettext as _

from bonanca.durable import executors, journal
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import Fenced
from bonanca.durable.interpreter import interpret, too_late
from bonanca.durable.journal import Claim, StepWork, Work
from bonanca.durable.wake import CHANNEL
from bonanca.kernel import clock
from bonanca.kernel.clock import utc_now
from bonanca.kernel.database import LOST

log = structlog.get_logger(__name__)

# How long a plan waits at most when the notification is lost, and a dead worker of this host is not noticed.
LOOK_EVERY_S = 0.5
# What a worker that ends gives its steps to come to a good place.
GRACE_S = 8.0
# How long a step may stay away after its time was over, before its plan fails without it.
OVERRUN_S = 5.0
# A thread that was given up and still has not come back after this long is ended with its process: the worker stops in
# order, so that its supervisor starts a new one.
GIVEN_UP_S = 30.0
# How long a heartbeat may wait for the database's answer: a connection that is half open gives none, and no error.
# Longer than what the kernel's own keepalive needs to find a peer that is gone.
SILENCE_S = float(os.environ.get("BONANCA_DATABASE_SILENCE_S", "40"))
SILENT_DATABASE = 75  # EX_TEMPFAIL: start it again
# After a thread failed in a way that was not foreseen, its plan is taken again, but not at once.
PAUSE_AFTER_FAILURE_S = 2.0


@dataclass
class _Running:
    """A thread that carries out a plan; ``step`` is what it is in now, and when its time is over."""

    thread: threading.Thread
    step: tuple[Work, StepWork, float] | None = None


class LeaseEngine:
    """One worker process. ``plans_at_once`` bounds its threads."""

    def __init__(self, slot: str, *, plans_at_once: int | None = None) -> None:
        self.slot = slot
        self.plans_at_once = plans_at_once or int(os.environ.get("BONANCA_PLANS_AT_ONCE", "8"))
        self._busy: dict[UUID, _Running] = {}
        self._not_before: dict[UUID, float] = {}
        self._given_up: list[tuple[threading.Thread, float]] = []
        self._freed = threading.Event()
        self._beating_since: float | None = None

    def run_forever(self, stop: threading.Event) -> None:
        """See Engine."""
        me = executors.register(self.slot).pk
        leaving = threading.Event()
        ended = threading.Event()
        threads = [
            threading.Thread(target=self._beat, args=(me, ended), name="plans: heartbeat", daemon=True),
            threading.Thread(target=self._listen, args=(ended,), name="plans: notifications", daemon=True),
            threading.Thread(target=self._guard, args=(ended,), name="plans: guard", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            while not stop.is_set() and not self._has_a_lost_thread():
                try:
                    executors.bury_dead(me)
                    self._give_up_overdue()
                    self._take_all(me, leaving)
                except LOST as lost:
                    log.warning("the database is away; plans wait for it", why=str(lost).strip())
                    connection.close()
                self._freed.wait(LOOK_EVERY_S)
                self._freed.clear()
        finally:
            leaving.set()
            self._drain()
            ended.set()
            # A last heartbeat after it has left would say that it lives; one that hangs is not waited for.
            threads[0].join(executors.HEARTBEAT_S)
            if not self._busy:
                executors.leave(me)
            connection.close()
            clock.go_alone()

    def _take_all(self, me: UUID, leaving: threading.Event) -> None:
        while len(self._busy) < self.plans_at_once and not leaving.is_set():
            moment = time.monotonic()
            self._not_before = {run: at for run, at in self._not_before.items() if at > moment}
            point("claim:before")
            claim = journal.claim_next(me, busy=[*self._busy, *self._not_before], now=utc_now())
            if claim is None:
                return
            point(f"claim:after:{claim.run_id}")
            if claim.previous is not None:
                log.warning("took over a plan", plan=str(claim.run_id), epoch=claim.epoch)
                executors.end_stopped(claim.previous)
            thread = threading.Thread(
                target=self._carry_out, args=(claim, leaving), name=f"plan {claim.run_id}", daemon=True
            )
            self._busy[claim.run_id] = _Running(thread)
            thread.start()

    def _carry_out(self, claim: Claim, leaving: threading.Event) -> None:
        running = self._busy[claim.run_id]

        def watch(work: Work, step: StepWork | None) -> None:
            running.step = None if step is None else (work, step, time.monotonic() + step.timeout_s + OVERRUN_S)

        try:
            outcome = interpret(claim, now=utc_now, stop=leaving, watch=watch)
            log.info("plan", plan=str(claim.run_id), epoch=claim.epoch, outcome=outcome.value)
        except Exception:
            # The plan stays ours and unfinished: it is taken again, with a new epoch, after a pause.
            log.exception("a plan's thread failed", plan=str(claim.run_id), epoch=claim.epoch)
            self._not_before[claim.run_id] = time.monotonic() + PAUSE_AFTER_FAILURE_S
        finally:
            connection.close()
            if self._busy.get(claim.run_id) is running:
                del self._busy[claim.run_id]
            self._freed.set()

    def _give_up_overdue(self) -> None:
        """Fail the plan of a step that does not come back. Its thread goes on, and is refused wherever it acts."""
        for run_id, running in list(self._busy.items()):
            step = running.step
            if step is None or time.monotonic() < step[2]:
                continue
            late = too_late(step[1])
            log.error("a step does not come back", plan=str(run_id), step=step[1].key)
            with suppress(Fenced):
                hint = _("See what it waits for, then retry the plan.")
                journal.record_failure(step[0], step[1], late.message, hint, now=utc_now())
            del self._busy[run_id]
            self._given_up.append((running.thread, time.monotonic()))

    def _has_a_lost_thread(self) -> bool:
        """Whether a step that was given up hangs on. Nothing but the end of the process ends its thread."""
        self._given_up = [(thread, since) for thread, since in self._given_up if thread.is_alive()]
        if not any(time.monotonic() - since > GIVEN_UP_S for _thread, since in self._given_up):
            return False
        log.error("a step hangs on after its plan has failed; this worker ends, so that a new one is started")
        return True

    def _drain(self) -> None:
        deadline = time.monotonic() + GRACE_S
        for running in list(self._busy.values()):
            running.thread.join(max(0.0, deadline - time.monotonic()))

    def _beat(self, me: UUID, ended: threading.Event) -> None:
        rounds = 0
        while not ended.wait(executors.HEARTBEAT_S):
            self._beating_since = time.monotonic()
            try:
                executors.beat(me)
                rounds += 1
                if rounds % 3600 == 0:
                    executors.forget_old()
            except LOST:
                connection.close()  # the main loop says so already
            finally:
                self._beating_since = None
        connection.close()

    def _guard(self, ended: threading.Event) -> None:
        """End this process when the database neither answers nor fails: no thread that waits for it can be ended.

        Its plans have been taken over by then; its supervisor starts a new worker, with a new connection.
        """
        while not ended.wait(executors.HEARTBEAT_S):
            since = self._beating_since
            if since is not None and time.monotonic() - since > SILENCE_S:
                log.error("the database has not answered; this worker ends, so that a new one is started")
                os._exit(SILENT_DATABASE)

    def _listen(self, ended: threading.Event) -> None:
        """Cut the wait short when a plan starts. Without it plans start at the next look."""
        parameters = {k: v for k, v in connection.get_connection_params().items() if k in _CONNINFO}
        while not ended.is_set():
            try:
                with psycopg.connect(**parameters, autocommit=True) as listener:
                    listener.execute(f"LISTEN {CHANNEL}")
                    while not ended.is_set():
                        for _notice in listener.notifies(timeout=1.0, stop_after=1):
                            self._freed.set()
            except psycopg.Error:
                ended.wait(LOOK_EVERY_S)


_CONNINFO = frozenset(
    {"host", "port", "user", "password", "dbname", "connect_timeout", "sslmode", "sslrootcert", "tcp_user_timeout",
     "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"}
)  # fmt: skip
