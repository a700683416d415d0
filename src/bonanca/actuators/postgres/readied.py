"""A copy that lies ready becomes a plan's own by its name: that takes no time, whatever its size."""

from __future__ import annotations

import time
from dataclasses import asdict

from bonanca.actuators.postgres.databases import database_there, insisting
from bonanca.actuators.postgres.eviction import emptied, moment
from bonanca.actuators.postgres.fencing import Facts, guarded, session_name
from bonanca.actuators.postgres.properties import Properties, give_properties
from bonanca.actuators.postgres.sessions import execute, maintenance_dsn
from bonanca.durable.context import FenceToken


def take_ready(
    dsn: str, *, ready: str, source: str, target: str, token: FenceToken, key: str, properties: Properties
) -> Facts | None:
    """Rename `ready`, a copy of `source`, to `target`, once under `key`; its sessions are ended.

    Returns:
        The facts that `copy_database` returns (made False, method "ready"); None: there is no such copy, nothing was
        done, and nothing is recorded.

    Raises:
        DatabaseInUse, NotEnoughRights, Fenced: it is as it was.
    """
    with guarded(dsn, token, database=source) as guard:
        done = guard.effect(key)
        if done is not None:
            return done
        connection, began = guard.connection, time.monotonic()
        if not database_there(connection, ready) or database_there(connection, target):
            return None

        def attempt() -> Facts:
            with emptied(maintenance_dsn(dsn), ready, name=session_name(token)), connection.transaction():
                guard.still_newest()
                execute(connection, "ALTER DATABASE {} RENAME TO {}", ready, target)
                give_properties(connection, target, properties)
                facts: Facts = {
                    "source": source,
                    "target": target,
                    "made": False,
                    "held_s": None,
                    "method": "ready",
                    "ended": 0,
                    "seconds": round(time.monotonic() - began, 3),
                    "properties": properties.to_json(),
                    **asdict(moment(connection)),
                }
                return guard.record(key, "copy", source, facts)

        return insisting(ready, attempt)
