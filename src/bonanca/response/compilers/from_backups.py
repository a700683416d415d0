"""Data back from a backup: restored beside the running database first, then put in its place by a rename.

Everything that takes as long as the data are large happens while the service still runs. What a restore of its own
does (`bonanca restore`) is done here by the same steps, so its refusals, its comparison and its undo are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.durable import queries as durable
from bonanca.durable.plan import StepSpec
from bonanca.durable.state import RunState
from bonanca.recovery.operations.choose_return import choose_return
from bonanca.recovery.queries import rows_written_since
from bonanca.recovery.views import PinView, TableAtRisk
from bonanca.response.compilers.around import GUESS_S

LOAD = gettext_noop("Restore the backup beside the running database")
COMPARE = gettext_noop("Compare rows and run the service's checks")
DATA = gettext_noop("Put the restored database in place, keep the replaced one")
SET_ASIDE = gettext_noop("List the rows written since")

Steps = Callable[[ServiceView, PinView], list[StepSpec]]
# As long as a restore of its own may take.
LOAD_TIMEOUT_S = 12 * 3600.0
RUNS_LOOKED_AT = 30
KINDS = ("rollback", "restore")


def before(engine: str) -> Steps:
    """Return the steps while the service still runs: restore, compare."""

    def steps(service: ServiceView, pin: PinView) -> list[StepSpec]:
        params = _params(service, pin, engine)
        expected = expected_load_s(service, pin, engine)
        return [
            StepSpec("load", "recovery.restore_load", params, LOAD, LOAD_TIMEOUT_S, expected),
            StepSpec("compare", "recovery.restore_check", params, COMPARE, timeout_s=3600),
        ]

    return steps


def during(engine: str) -> Steps:
    """Return the steps while nothing writes: the rename, and the list of rows that only the replaced one has."""

    def steps(service: ServiceView, pin: PinView) -> list[StepSpec]:
        params = {**_params(service, pin, engine), "pin_id": str(pin.id)}
        found = [StepSpec("data", "recovery.restore_place", params, DATA, timeout_s=900)]
        if service.database is not None and service.database.rows_at_risk:
            since = {"against": "live", "xid": choose_return(service, pin, engine).xid}
            params = {"service": service.slug, "pin_id": str(pin.id), **since}
            found.append(StepSpec("set_aside", "recovery.set_aside", params, SET_ASIDE, timeout_s=900))
        return found

    return steps


def goes_to(engine: str) -> Callable[[ServiceView, PinView], datetime]:
    """Return the moment of the data after it."""
    return lambda service, pin: choose_return(service, pin, engine).at


def at_risk(engine: str) -> Callable[[ServiceView, PinView, datetime], tuple[TableAtRisk, ...]]:
    """Return the count of the rows that were written since that moment."""

    def count(service: ServiceView, pin: PinView, now: datetime) -> tuple[TableAtRisk, ...]:
        found = choose_return(service, pin, engine)
        return rows_written_since(service.slug, found.at, found.xid)

    return count


def expected_load_s(service: ServiceView, pin: PinView, engine: str) -> float:
    """Return the seconds of the last restore that loaded such a backup; else those of a drill; else a guess."""
    measured = last_load_s(service, engine)
    if measured is None:
        measured = choose_return(service, pin, engine).drilled_s
    return measured if measured is not None else GUESS_S["recovery.restore_load"]


def last_load_s(service: ServiceView, engine: str) -> float | None:
    """Return the seconds in which a backup of the engine was last loaded beside the running database."""
    runs = durable.list_runs(subject=f"service:{service.slug}", states=[RunState.SUCCEEDED], limit=RUNS_LOOKED_AT)
    for run in runs:
        for done in run.steps if run.kind in KINDS else ():
            taken_by = (done.receipt or {}).get("engine")
            of_it = done.key == "load" and taken_by is not None and (taken_by == "logical") is (engine == "logical")
            if of_it and done.started_at and done.finished_at:
                return round((done.finished_at - done.started_at).total_seconds(), 2)
    return None


def _params(service: ServiceView, pin: PinView, engine: str) -> dict[str, object]:
    found = choose_return(service, pin, engine)
    return {
        "service": service.slug,
        "backup_id": str(found.backup_id) if found.backup_id else None,
        "target": dict(found.target),
        "mode": "swap",
        "database": service.database.name if service.database else "",
    }
