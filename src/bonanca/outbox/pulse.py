"""The pulse of a worker's process, so that one that stands still keeps no periodic job from the others.

A job is locked by a session of PostgreSQL, and a session lives as long as its process, even one that is stopped or
whose machine hangs. So each process has a session more, which says every second that it lives; where that one has
fallen silent, whoever wants the job ends the session that holds it. A process that goes on later finds it gone.
"""

from __future__ import annotations

import threading
from uuid import uuid4

from django.db import connection

from bonanca.kernel.database import LOST

EVERY_S = 1.0
# As long as the lease of a plan and a second more.
SILENT_S = 5.0
_ME = uuid4().hex

TRY_LOCK = """
SELECT set_config('application_name', %s, false), pg_try_advisory_lock(hashtextextended(%s, 11))
"""
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended(%s, 11))"

# The two halves of the key are where pg_locks shows them. A pulse that is not there is of a process that is just
# connecting again, or has ended; then its locks have fallen, or fall when the keepalive has found it gone.
_END_SILENT = """
WITH wanted AS (SELECT hashtextextended(%s, 11) AS key)
SELECT pg_terminate_backend(holder.pid)
FROM wanted
JOIN pg_locks held ON held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted
    AND held.classid::bigint = (wanted.key >> 32) & 4294967295 AND held.objid::bigint = wanted.key & 4294967295
JOIN pg_database here ON here.oid = held.database AND here.datname = current_database()
JOIN pg_stat_activity holder ON holder.pid = held.pid AND holder.application_name LIKE 'bonanca job %%'
JOIN pg_stat_activity pulse ON pulse.application_name = replace(holder.application_name, ' job ', ' pulse ')
WHERE pulse.state = 'idle' AND pulse.state_change < clock_timestamp() - %s * interval '1 second'
"""


def try_lock(name: str) -> bool:
    """Lock this name for the session of this thread; False when another session of a living process has it."""
    with connection.cursor() as cursor:
        cursor.execute(TRY_LOCK, [f"bonanca job {_ME}", name])
        if cursor.fetchone()[1]:
            return True
        cursor.execute(_END_SILENT, [name, SILENT_S])
        if not cursor.fetchall():
            return False
        cursor.execute(TRY_LOCK, [f"bonanca job {_ME}", name])
        return bool(cursor.fetchone()[1])


def unlock(name: str) -> None:
    """Give it back; nothing happens when the session is gone, and its locks with it."""
    if connection.connection is None or connection.connection.closed:
        return
    with connection.cursor() as cursor:
        cursor.execute(UNLOCK, [name])


def beat(stop: threading.Event) -> None:
    """Say once a second that this process lives, until told to stop."""
    while not stop.wait(EVERY_S):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('application_name', %s, false)", [f"bonanca pulse {_ME}"])
        except LOST:
            connection.close()  # the jobs say so already
    connection.close()
