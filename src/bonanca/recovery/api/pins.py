"""Pins, what a return to one would cost, and kept databases, over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries
from bonanca.recovery.api.router import router


class PinOut(Schema):
    id: UUID
    service: str
    change_id: str
    state: str
    release_sha: str
    config_sha256: str
    kind: str
    copy_name: str
    taken_at: datetime
    size_bytes: int | None
    held_seconds: float | None
    took_seconds: float | None
    expires_at: datetime


class RowsAtRiskOut(Schema):
    table: str
    written_since: int | None
    changed: int | None
    sample: list[dict[str, Any]]
    problem: str


class KeptOut(Schema):
    name: str
    database: str
    kept_at: datetime
    kept_by: str
    size_bytes: int | None
    expires_at: datetime | None
    closed: bool
    open_until: datetime | None


@router.get("pins", response=list[PinOut])
def pins(request: HttpRequest, service: str) -> object:
    """Return the service's pins, newest first."""
    require(caller(request), Permission.READ)
    return list(queries.pins_of(service))


@router.get("pins/{uuid:pin_id}/rows-at-risk", response=list[RowsAtRiskOut])
def at_risk(request: HttpRequest, pin_id: UUID) -> object:
    """Return what a return to the pin would set aside, counted now."""
    pin = queries.get_pin(pin_id)
    require(caller(request), Permission.RESPOND, team=queries.team_of(pin.service))
    return list(queries.rows_at_risk(pin.service, pin_id, utc_now()))


@router.get("kept-databases", response=list[KeptOut])
def kept(request: HttpRequest, service: str) -> object:
    """Return the databases that rollbacks and restores of the service replaced and kept."""
    require(caller(request), Permission.READ)
    return list(queries.kept_databases(service))
