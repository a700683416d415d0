"""Jobs that run again and again, one worker at a time, with their last outcome kept."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connection, transaction
from django.db.models import F

from bonanca.kernel.clock import utc_now
from bonanca.kernel.database import AWAY, LOST, retrying
from bonanca.outbox import pulse
from bonanca.outbox.models import PeriodicJob

log = structlog.get_logger(__name__)

Job = Callable[[datetime], None]


@dataclass(frozen=True)
class Periodic:
    """A job's name, how often it runs (seconds from start to start) and what it does."""

    name: str
    every_s: float
    function: Job


_JOBS: dict[str, Periodic] = {}


def periodic(name: str, *, every_s: float) -> Callable[[Job], Job]:
    """Register a function as a job of the worker: `signals.evaluate` every 1.0 s."""

    def register(function: Job) -> Job:
        _JOBS[name] = Periodic(name, every_s, function)
        return function

    return register


def jobs() -> tuple[Periodic, ...]:
    """Return every registered job."""
    return tuple(_JOBS.values())


def run_job(job: Periodic, now: datetime) -> bool:
    """Run the job once unless another worker is running it; return whether it ran.

    A failing job is recorded with the time since when it fails, and is run again at its next turn.
    """
    lock = f"periodic:{job.name}"
    if not pulse.try_lock(lock):
        return False
    try:
        job.function(now)
    except AWAY:
        raise
    except Exception as failure:  # noqa: BLE001 - recorded on the job, where doctor and pages show it
        log.error("periodic job failed", job=job.name, error=str(failure))
        _record(job.name, now, "".join(traceback.format_exception(failure))[-4000:])
    else:
        _record(job.name, now, "")
    finally:
        pulse.unlock(lock)
    return True


@retrying
@transaction.atomic
def _record(name: str, started: datetime, error: str) -> None:
    finished = utc_now()
    row, _ = PeriodicJob.objects.get_or_create(name=name)
    changes: dict[str, object] = {"last_started_at": started, "last_finished_at": finished, "last_error": error}
    if error:
        changes |= {"failures": F("failures") + 1, "failing_since": row.failing_since or finished}
    else:
        changes |= {"failing_since": None}
    PeriodicJob.objects.filter(name=name).update(**changes)


def serve(stop: threading.Event) -> None:
    """Run every job at its pace until told to stop, each in a thread of its own."""
    if not _JOBS:
        stop.wait()
        return
    with ThreadPoolExecutor(max_workers=len(_JOBS) + 1, thread_name_prefix="periodic") as pool:
        pool.submit(pulse.beat, stop)
        for job in jobs():
            pool.submit(_loop, job, stop)
        stop.wait()


def _loop(job: Periodic, stop: threading.Event) -> None:
    while not stop.is_set():
        began = time.monotonic()
        try:
            run_job(job, utc_now())
        except LOST:
            log.warning("a periodic job lost its database; trying again", job=job.name)
            connection.close()
        stop.wait(max(0.05, job.every_s - (time.monotonic() - began)))
    connection.close()
