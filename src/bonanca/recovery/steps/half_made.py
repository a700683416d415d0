"""Databases that a step began to make and never finished: its undo drops them, which nobody else would."""

from __future__ import annotations

from bonanca.actuators.postgres.databases import database_there, drop_database
from bonanca.actuators.postgres.fencing import guarded
from bonanca.durable.context import Receipt, StepContext

_NAME = "half_made"


def half_made(ctx: StepContext, dsn: str, name: str, *, key: str, held: str) -> Receipt | None:
    """For a step's `check`: what its undo has to drop, when the step wrote under `key` that it begins with `name`.

    None: nothing of it is there, or it is not an undo that asks.

    Args:
        held: the database on which such steps wait for each other: a server goes on making a copy whose client died.

    Raises:
        DatabaseBusy, DatabaseUnreachable.
    """
    if not ctx.asked_by_undo:
        return None
    with guarded(dsn, ctx.token, database=held) as guard:
        begun = guard.effect(f"{key}:intent") is not None
        return {_NAME: name} if begun and database_there(guard.connection, name) else None


def dropped(ctx: StepContext, dsn: str, receipt: Receipt) -> Receipt | None:
    """For the step's `undo`: drop what `half_made` found; None: the receipt is of a step that ended."""
    if _NAME not in receipt:
        return None
    drop_database(dsn, name=receipt[_NAME], token=ctx.token)
    return {"dropped": receipt[_NAME]}
