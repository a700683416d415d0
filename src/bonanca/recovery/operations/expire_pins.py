"""Drop the database copies of pins whose time is over: they cost disk, and hold people's data."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid5

import structlog
from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.actuators.postgres.databases import drop_database
from bonanca.catalog.queries import get_service
from bonanca.durable.context import FenceToken
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.models import Pin, RestorePoint
from bonanca.recovery.operations.prepare_spares import drop_spare
from bonanca.recovery.state import PinState

log = structlog.get_logger(__name__)


def expire_pins(*, now: datetime) -> list[str]:
    """Drop what is due; returns a line for each pin that could not be dropped, and tries it again next time.

    The newest pin of a service stays while it is the only way back.
    """
    problems = []
    for pin in Pin.objects.filter(state=PinState.READY, expires_at__lte=now):
        newest = Pin.objects.filter(service=pin.service, state=PinState.READY).order_by("-taken_at").first()
        if newest is not None and newest.id == pin.id:
            continue
        try:
            if pin.copy_name:
                database = get_service(pin.service).database
                if database is not None:
                    token = FenceToken(uuid5(pin.id, "expire"), 1)
                    drop_spare(pin, database, now=now)
                    drop_database(database.dsn(), name=pin.copy_name, token=token)
        except BonancaError as error:
            log.warning("a pin could not be dropped", pin=str(pin.id), service=pin.service, why=str(error))
            problems.append(f"{pin.service}: {pin.copy_name}: {error}")
            continue
        with transaction.atomic():
            Pin.objects.filter(pk=pin.id, state=PinState.READY).update(state=PinState.DROPPED)
            if pin.point:
                RestorePoint.objects.filter(service=pin.service, name=pin.point).delete()
            facts = {"database": pin.copy_name, "point": pin.point}
            actor = SYSTEM("recovery").label
            record(aggregate=f"pin:{pin.id}", action="pin.dropped", actor=actor, facts=facts, now=now)
    return problems
