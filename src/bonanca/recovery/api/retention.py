"""Retention over HTTP: what would go, and letting exactly that go."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries
from bonanca.recovery.api.router import router
from bonanca.recovery.operations.prune_backups import prune_backups


class RetentionRowOut(Schema):
    backup_id: UUID
    taken_at: datetime
    stays: bool
    why: list[str]
    size_bytes: int


class RetentionOut(Schema):
    service: str
    policy: dict[str, int | bool] | None
    rows: list[RetentionRowOut]
    freed: dict[str, int]
    freed_bytes: int
    kept_bytes: int
    digest: str


class PruneIn(Schema):
    service: str
    digest: str


@router.get("backup-retention", response=RetentionOut)
def plan(request: HttpRequest, service: str) -> object:
    """Return what the service's retention keeps, why, and what it would remove; `digest` names exactly this."""
    require(caller(request), Permission.READ)
    return queries.retention_plan(service, utc_now())


@router.post("backup-retention/prune", response=RetentionOut)
def prune(request: HttpRequest, data: PruneIn) -> object:
    """Remove what the plan with this digest showed; 409 when by now something else would go."""
    return prune_backups(service=data.service, digest=data.digest, actor=caller(request), now=utc_now())
