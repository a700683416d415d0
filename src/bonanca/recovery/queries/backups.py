"""Reading backups and their places."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from bonanca.catalog.queries import get_service, list_services
from bonanca.kernel.errors import NotFound
from bonanca.recovery.models import Backup, BackupReplica, Drill
from bonanca.recovery.queries.drills import drill_view
from bonanca.recovery.state import BackupState, DrillState, ReplicaState
from bonanca.recovery.views import (
    BackupView,
    ReplicaView,
    ServiceBackups,
)


class BackupNotFound(NotFound):
    """There is no such backup."""


def get_backup(backup_id: UUID) -> BackupView:
    """Raises BackupNotFound."""
    for found in _backups(Backup.objects.filter(pk=backup_id)):
        return found
    raise BackupNotFound(_("There is no backup %(id)s.") % {"id": backup_id})


def list_backups(service: str, *, limit: int = 50) -> tuple[BackupView, ...]:
    """The service's backups, newest first, without those that retention removed. Three queries."""
    rows = Backup.objects.filter(service=service).exclude(state=BackupState.PRUNED)
    return _backups(rows.order_by("-started_at")[:limit])


def latest_backup(service: str) -> BackupView | None:
    """The newest backup that was stored, verified or not."""
    stored = Backup.objects.filter(service=service, state__in=[BackupState.STORED, BackupState.VERIFIED])
    return next(iter(_backups(stored.order_by("-started_at")[:1])), None)


def latest_verified_backup(service: str) -> BackupView | None:
    """The backup whose restore was checked most recently (`verified_at`, `restore_seconds`); None: none ever was."""
    verified = Backup.objects.filter(service=service, state=BackupState.VERIFIED)
    return next(iter(_backups(verified.order_by("-verified_at")[:1])), None)


def last_attempt(service: str) -> BackupView | None:
    """The newest backup in whatever state; a running or failed one is seen here."""
    return next(iter(list_backups(service, limit=1)), None)


def declares_backup(service: str) -> bool:
    """Whether the service declares a backup and what it takes. Raises NotFound: no such service."""
    return get_service(service).backed_up


def has_database(service: str) -> bool:
    """Whether the service declares a database. Raises NotFound: no such service."""
    return get_service(service).database is not None


def team_of(service: str) -> str:
    """The team that owns the service. Raises NotFound: no such service."""
    return get_service(service).team_slug


def overview() -> tuple[ServiceBackups, ...]:
    """Every service that declares a backup, with its last proof and its last attempt."""
    return tuple(
        ServiceBackups(
            service.slug,
            service.name,
            service.backup.every_h,
            latest_verified_backup(service.slug),
            last_attempt(service.slug),
        )
        for service in list_services()
        if service.backup is not None and service.backed_up
    )


def backup_by_key(key: str) -> BackupView | None:
    """The newest backup that a plan's step took under its key and that did not fail."""
    found = Backup.objects.filter(key=key).exclude(state=BackupState.FAILED).exclude(key="")
    return next(iter(_backups(found.order_by("-started_at")[:1])), None)


def _backups(rows: QuerySet[Backup]) -> tuple[BackupView, ...]:
    drills = Prefetch("drills", queryset=Drill.objects.order_by("-started_at"))
    replicas = Prefetch("replicas", queryset=BackupReplica.objects.order_by("position"))
    return tuple(_backup(row) for row in rows.prefetch_related(replicas, drills))


def _backup(row: Backup) -> BackupView:
    drills: Iterable[Drill] = row.drills.all()
    passed = next((drill for drill in drills if drill.state == DrillState.PASSED), None)
    last = next(iter(drills), None)
    shared = [
        name
        for name in BackupView.__dataclass_fields__
        if name not in ("state", "restore_seconds", "age_seconds", "replicas", "last_drill")
    ]
    return BackupView(
        **{name: getattr(row, name) for name in shared},
        state=BackupState(row.state),
        restore_seconds=passed.restore_seconds if passed else None,
        age_seconds=passed.age_seconds if passed else None,
        last_drill=drill_view(last, row.service) if last else None,
        replicas=tuple(replica_view(r) for r in row.replicas.all()),
    )


def replica_view(row: BackupReplica) -> ReplicaView:
    """A copy as others see it."""
    shared = {name: getattr(row, name) for name in ReplicaView.__dataclass_fields__ if name != "state"}
    return ReplicaView(**shared, state=ReplicaState(row.state))
