"""The worker processes: their heartbeats, and who of them is dead.

Times are the database's own, so hosts need not agree on a clock; a server that was away itself does not make its
workers look dead (its start counts as a sign of life of everybody). When the server's own clock is set back, a time
that is still to come says nothing about who lives: living workers write a new one within a second.
"""

from __future__ import annotations

import os
import time
from uuid import UUID

import structlog
from django.db import connection
from django.db.models.functions import Now

from bonanca.durable import host
from bonanca.durable.models import Executor
from bonanca.kernel import clock
from bonanca.kernel.database import retrying

log = structlog.get_logger(__name__)

HEARTBEAT_S = 1.0
# A worker that was silent for longer is taken to be dead. With one look a second this keeps takeover below 10 s.
LEASE_S = 4.0
KEPT_FOR = "7 days"

# True for a row `e` of durable_executor that may hold nothing any more. `e.id IS NOT NULL` matters: greatest() ignores
# NULL, so a recheck of the outer join after a concurrent takeover would otherwise find the new holder dead.
_LEASE = f"interval '{LEASE_S} seconds'"
DEAD_SQL = (
    "(e.id IS NOT NULL AND (e.ended_at IS NOT NULL"
    f" OR e.last_seen > clock_timestamp() + {_LEASE}"
    " OR greatest(e.last_seen, CASE WHEN pg_postmaster_start_time() <= clock_timestamp()"
    f" THEN pg_postmaster_start_time() END) < clock_timestamp() - {_LEASE}))"
)


@retrying
def register(slot: str) -> Executor:
    """Enter this process as a new executor."""
    me = host.process(os.getpid())
    assert me is not None  # a process always sees itself
    hear_the_time()
    return Executor.objects.create(
        host=host.host_id(),
        slot=slot,
        machine=host.machine(),
        pid=os.getpid(),
        pid_started=me.started,
        started_at=Now(),
        last_seen=Now(),
    )


def beat(executor_id: UUID) -> None:
    """Say that this worker lives. One that was declared dead meanwhile lives again, without what it held."""
    Executor.objects.filter(pk=executor_id).update(last_seen=Now(), ended_at=None)
    hear_the_time()


def hear_the_time() -> None:
    """This process goes by the database's clock, and says so when that is another time than its own."""
    asked = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment = cursor.fetchone()[0]
    if time.monotonic() - asked > clock.TOLERATED.total_seconds() / 2:
        return  # an answer that was so long on its way tells no time
    if off := clock.follow(moment):
        log.warning("this machine's clock or the database's has leapt", seconds=round(off.total_seconds(), 1))


@retrying
def leave(executor_id: UUID) -> None:
    """This worker ends in order and holds nothing any more."""
    Executor.objects.filter(pk=executor_id).update(ended_at=Now())


def bury_dead(executor_id: UUID) -> list[Executor]:
    """Mark the executors of this host whose process is gone: no need to wait until their lease ends."""
    gone = [
        other
        for other in Executor.objects.filter(host=host.host_id(), machine=host.machine(), ended_at=None)
        if other.pk != executor_id and host.alive(other.pid, other.pid_started) is None
    ]
    if gone:
        Executor.objects.filter(pk__in=[other.pk for other in gone], ended_at=None).update(ended_at=Now())
        log.warning("a worker of this host has died", workers=[str(other) for other in gone])
    return gone


def end_stopped(executor_id: UUID) -> bool:
    """Kill the process of an executor whose plan was taken over, when it is of this host and stopped.

    A stopped process that is continued later would go on where it was. Every actuator refuses it then; killing
    it first also ends the commands that it has started.
    """
    other = Executor.objects.filter(pk=executor_id, host=host.host_id(), machine=host.machine()).first()
    if other is None or other.pid == os.getpid():
        return False
    return host.kill_stopped(other.pid, other.pid_started)


def silent(machine: str, pid: int, pid_started: int) -> bool:
    """Whether that process is a worker whose lease is over."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT bool_and({DEAD_SQL}) FROM durable_executor e "  # noqa: S608
            "WHERE e.machine = %s AND e.pid = %s AND e.pid_started = %s",
            [machine, pid, pid_started],
        )
        return bool(cursor.fetchone()[0])


def forget_old() -> None:
    """Drop executors that ended long ago and hold nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM durable_executor e WHERE e.last_seen < now() - interval '{KEPT_FOR}' "  # noqa: S608
            "AND NOT EXISTS (SELECT 1 FROM durable_planrun r WHERE r.executor_id = e.id)"
        )
