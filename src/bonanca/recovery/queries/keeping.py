"""Everything that is kept of people's data: until when, who may read it, and who has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import RollbackSpec
from bonanca.durable.state import RunState
from bonanca.kernel.audit import history
from bonanca.kernel.errors import NotFound
from bonanca.recovery.models import Kept, Pin, Restore, SetAside
from bonanca.recovery.queries.restores import get_restore
from bonanca.recovery.queries.rows import get_set_aside
from bonanca.recovery.state import KeptState, PinState, RestoreMode, RestoreState
from bonanca.recovery.views.keeping import KeptThing, Reading

READ = ("kept.opened", "rows.read")


def everything_kept(service: str | None = None) -> tuple[KeptThing, ...]:
    """What the records say; no server is asked. What expires first comes first."""
    found = (one for one in _things() if service in (None, one.service))
    return tuple(sorted(found, key=lambda one: (one.expires_at is None, one.expires_at or one.since, one.name)))


def _things() -> Iterator[KeptThing]:
    for row in Kept.objects.filter(state=KeptState.KEPT):
        yield KeptThing(
            kind="database",
            service=row.service,
            key=row.name,
            name=row.name,
            since=row.kept_at,
            expires_at=row.expires_at,
            access="open" if row.open_until else "closed" if row.closed_at else "service",
            open_until=row.open_until,
            readings=_readings(f"kept:{row.pk}"),
        )
    for made in SetAside.objects.filter(removed_at=None):
        listed = get_set_aside(made.pk)
        yield KeptThing(
            kind="rows",
            service=made.service,
            key=str(made.pk),
            name=made.kept_database,
            since=made.created_at,
            # Rows that wait for a person stay until they are settled.
            expires_at=None if listed.waiting else made.created_at + _kept_for(made.service),
            access="closed",
            readings=_readings(f"set-aside:{made.pk}"),
            rows=listed.total,
        )
    # A database beside the service's own has no end by itself: the undo of its restore gives it one.
    for restored in Restore.objects.filter(state=RestoreState.STARTED, mode=RestoreMode.BESIDE):
        found = get_restore(restored.pk)
        if found.outcome is RunState.SUCCEEDED and found.undo_run_id is None:
            yield KeptThing(
                kind="restored",
                service=found.service,
                key=str(found.id),
                name=found.database,
                since=found.finished_at or found.proposed_at,
                expires_at=None,
                access="service",
            )
    for pin in Pin.objects.filter(state=PinState.READY):
        # The state itself, and the copy of it that lies ready to take the database's place.
        for name in filter(None, (pin.copy_name, pin.spare_name)):
            yield KeptThing(
                kind="pin",
                service=pin.service,
                key=str(pin.pk),
                name=name,
                since=pin.taken_at,
                expires_at=pin.expires_at,
                access="service",
                size_bytes=pin.size_bytes,
            )


def _kept_for(service: str) -> timedelta:
    try:
        declared = get_service(service).rollback or RollbackSpec()
    except NotFound:
        declared = RollbackSpec()
    return timedelta(hours=declared.kept_for_h)


def _readings(aggregate: str) -> tuple[Reading, ...]:
    return tuple(
        Reading(entry.actor, entry.at, _why(entry.facts)) for entry in history(aggregate) if entry.action in READ
    )


def _why(facts: dict[str, object]) -> str:
    return str(facts.get("reason") or facts.get("form") or "")
