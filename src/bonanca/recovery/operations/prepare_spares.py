"""Make the copy that a rollback puts in place beforehand: at 3 a.m. nobody waits for it (requirement T9)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from uuid import UUID, uuid5

import structlog
from django.db.models import F

from bonanca.actuators.postgres.databases import copy_database, database_exists, drop_database
from bonanca.actuators.postgres.fencing import guarded
from bonanca.actuators.postgres.properties import Properties
from bonanca.actuators.postgres.sessions import derived_name
from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import DatabaseSpec
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from bonanca.durable.queries import unfinished_of
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.guards import refuse_own_server
from bonanca.recovery.models import Pin
from bonanca.recovery.state import PinState

log = structlog.get_logger(__name__)


def prepare_spares(*, now: datetime) -> list[str]:
    """Copy the newest pin of each service that declares `rollback.spare`; returns a line for each that failed.

    Those of older pins, and those that are declared no more, are dropped. Nothing is copied while a plan of the service
    runs, and one that begins meanwhile ends the copying: see `leave_to_plan`. The pin has no sessions, so nobody waits
    for its copy.
    """
    problems = []
    for service in list_services():
        if service.database is None or unfinished_of(f"service:{service.slug}"):
            continue
        pins = Pin.objects.filter(service=service.slug, state=PinState.READY).exclude(copy_name="")
        wanted = service.rollback is not None and service.rollback.spare
        pin = pins.order_by("-taken_at").first() if wanted else None
        try:
            _drop([one for one in pins.exclude(spare_name="") if one != pin], service.database, now)
            if pin is not None:
                _make(pin, service.database, now)
        except Fenced:
            log.info("a plan goes before the spare copy", service=service.slug)
        except BonancaError as error:
            log.warning("no spare copy", service=service.slug, why=str(error))
            problems.append(f"{service.slug}: {error}")
    return problems


def leave_to_plan(pin_id: UUID, database: DatabaseSpec, *, now: datetime) -> None:
    """End the copying of a spare that is under way: the plan that goes back needs the server for itself.

    Raises:
        DatabaseUnreachable: the server is away.
    """
    # By another clock somebody may have come later: then the copying goes on, and the plan waits for it.
    with suppress(Fenced), guarded(database.dsn(), _token(pin_id, now), database=f"spare of {pin_id}"):
        pass


def spare_used(pin_id: UUID, name: str) -> None:
    """Forget a spare copy that has become a plan's, or is gone: the next one is made under another name."""
    Pin.objects.filter(pk=pin_id, spare_name=name).update(spare_name="", spare_at=None, spares=F("spares") + 1)


def ready_key(pin_id: UUID, name: str) -> str:
    """The key under which the server has recorded that a spare copy is whole."""
    return f"pin:{pin_id}:spare:{name}"


def drop_spare(pin: Pin, database: DatabaseSpec, *, now: datetime) -> None:
    """Drop the spare copy of a pin; nothing when it has none.

    Raises:
        NotEnoughRights, Unavailable: it is still there.
    """
    if pin.spare_name:
        drop_database(database.dsn(), name=pin.spare_name, token=_token(pin.id, now))
        spare_used(pin.id, pin.spare_name)


def _make(pin: Pin, database: DatabaseSpec, now: datetime) -> None:
    dsn = database.dsn()
    if pin.spare_at is not None:
        if database_exists(dsn, pin.spare_name):
            return
        spare_used(pin.id, pin.spare_name)
        pin.refresh_from_db()
    refuse_own_server(dsn)
    name = derived_name(pin.database, "spare", f"{pin.id.hex[-10:]}{pin.spares}")
    # Named before it is made: whatever happens meanwhile, it is known what to drop.
    if not Pin.objects.filter(pk=pin.pk, state=PinState.READY).update(spare_name=name):
        return
    copy_database(
        dsn,
        source=pin.copy_name,
        target=name,
        token=_token(pin.id, now),
        key=ready_key(pin.id, name),
        properties=Properties(**pin.properties),
    )
    Pin.objects.filter(pk=pin.pk, state=PinState.READY, spare_name=name).update(spare_at=now)


def _drop(unwanted: Iterable[Pin], database: DatabaseSpec, now: datetime) -> None:
    for pin in unwanted:
        drop_spare(pin, database, now=now)


def _token(pin_id: UUID, now: datetime) -> FenceToken:
    # Later comers end earlier ones: time is what orders them.
    return FenceToken(uuid5(pin_id, "spare"), int(now.timestamp() * 1000))
