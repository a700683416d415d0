"""Keep a second copy of each service's newest pin, where that is declared: a rollback then copies nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import uuid5

from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.actuators.postgres.databases import copy_database, drop_database
from bonanca.actuators.postgres.properties import Properties
from bonanca.actuators.postgres.sessions import maintenance_dsn, session
from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import DatabaseSpec, ServiceView
from bonanca.durable.context import FenceToken
from bonanca.durable.queries import unfinished_of
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.guards import refuse_own_server
from bonanca.recovery.queries import pins_of
from bonanca.recovery.readied import ready_name
from bonanca.recovery.state import PinState
from bonanca.recovery.views import PinView

# Nobody should write into it by mistake; who takes it gives it the pin's properties.
_READ_ONLY = ["", "default_transaction_read_only", "on"]


def ready_copies(*, now: datetime) -> list[str]:
    """Make what is missing and drop what an older pin left; returns a line for each service where that did not work."""
    return _each(lambda service: service.rollback is not None and service.rollback.ready_copy, now)


def drop_ready_copies(*, now: datetime) -> list[str]:
    """Drop those of services that declare none any more; returns a line for each service where that did not work."""
    return _each(lambda service: service.rollback is None or not service.rollback.ready_copy, now)


def _each(chosen: Callable[[ServiceView], bool], now: datetime) -> list[str]:
    problems = []
    for service in list_services():
        if service.database is None or not chosen(service):
            continue
        try:
            _round(service, service.database, now)
        except BonancaError as problem:
            problems.append(f"{service.slug}: {problem}")
    return problems


def _round(service: ServiceView, database: DatabaseSpec, now: datetime) -> None:
    pins = [pin for pin in pins_of(service.slug) if pin.copy_name and pin.database == database.name]
    if not pins or unfinished_of(f"service:{service.slug}"):
        return  # a plan that runs may be taking one, or making the next pin
    wanted = service.rollback is not None and service.rollback.ready_copy
    newest = next((pin for pin in pins if pin.state is PinState.READY), None) if wanted else None
    dsn = database.dsn()
    there = _there(dsn, [ready_name(pin) for pin in pins])
    for pin in pins:
        if pin is not newest and ready_name(pin) in there:
            drop_database(dsn, name=ready_name(pin), token=FenceToken(uuid5(pin.id, "ready"), 1))
    if newest is not None and ready_name(newest) not in there:
        refuse_own_server(dsn)
        _make(newest, dsn, now)


def _there(dsn: str, names: list[str]) -> set[str]:
    with session(maintenance_dsn(dsn), read_only=True) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname = ANY(%s)", (names,)).fetchall()
    return {str(name) for (name,) in rows}


def _make(pin: PinView, dsn: str, now: datetime) -> None:
    properties = Properties(**pin.properties)
    guarded = Properties(
        properties.owner, properties.connection_limit, properties.grants, [*properties.settings, _READ_ONLY]
    )
    # Each use of it is the end of it, so each time is an effect of its own. Nobody is connected to a pin.
    facts = copy_database(
        dsn,
        source=pin.copy_name,
        target=ready_name(pin),
        token=FenceToken(uuid5(pin.id, "ready"), 1),
        key=f"ready:{pin.id}:{now.timestamp():.0f}",
        properties=guarded,
    )
    told = {"service": pin.service, "database": ready_name(pin), "seconds": facts["seconds"]}
    with transaction.atomic():
        record(aggregate=f"pin:{pin.id}", action="pin.readied", actor=SYSTEM("recovery").label, facts=told, now=now)
