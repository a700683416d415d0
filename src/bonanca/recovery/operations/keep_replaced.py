"""Look after databases that were replaced: write down new ones, close them, drop those whose time is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.actuators.postgres.keeping import close_database
from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import RestoreSpec, ServiceView
from bonanca.durable import queries as durable
from bonanca.durable.errors import PlanNotFound
from bonanca.durable.state import RunState
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.models import Kept
from bonanca.recovery.operations.drop_kept import drop_for_good, say_dropped
from bonanca.recovery.operations.keep_files import expire_kept_files
from bonanca.recovery.operations.move_server import settle_gone_moves
from bonanca.recovery.queries import kept_databases
from bonanca.recovery.state import KeptState
from bonanca.recovery.views import KeptDatabase

log = structlog.get_logger(__name__)
_ME = SYSTEM("recovery").label
# A plan that failed may still read what it replaced when it is retried; nobody retries it for ever.
LEFT_OPEN = timedelta(hours=24)


def keep_replaced(*, now: datetime) -> list[str]:
    """Do it for every service; returns a line for each database that could not be seen to, and tries it again."""
    problems = [*settle_gone_moves(now=now), *expire_kept_files(now=now)]
    for service in list_services():
        if service.database is None:
            continue
        try:
            there = kept_databases(service.slug)
        except BonancaError as error:
            # Most services keep nothing: an unreachable server is a problem only where something waits there.
            if Kept.objects.filter(service=service.slug, state=KeptState.KEPT).exists():
                problems.append(f"{service.slug}: {error}")
            continue
        _note_returned(service.slug, {kept.name for kept in there}, now)
        for kept in there:
            try:
                _see_to(service, kept, now)
            except BonancaError as error:
                log.warning("a kept database could not be seen to", database=kept.name, why=str(error))
                problems.append(f"{service.slug}: {kept.name}: {error}")
    return problems


def _see_to(service: ServiceView, kept: KeptDatabase, now: datetime) -> None:
    assert service.database is not None  # its caller has seen it
    dsn = service.database.dsn()
    row = _row(service, kept, now)
    if row.open_until is not None and row.open_until <= now:
        Kept.objects.filter(pk=row.pk).update(open_until=None, closed_at=None)
        row.refresh_from_db()
    if row.dropping_by:
        drop_for_good(row, dsn, by=row.dropping_by, now=now, expired=row.dropping_by == _ME)
        return
    if row.expires_at <= now and row.open_until is None and not _plan_runs(kept):
        drop_for_good(row, dsn, by=_ME, now=now, expired=True)
        return
    if row.closed_at is None and row.open_until is None and _may_close(kept, now):
        close_database(dsn, kept.name)
        with transaction.atomic():
            Kept.objects.filter(pk=row.pk).update(closed_at=now)
            record(
                aggregate=f"kept:{row.pk}",
                action="kept.closed",
                actor=_ME,
                facts={"database": kept.name},
                now=now,
            )


def _row(service: ServiceView, kept: KeptDatabase, now: datetime) -> Kept:
    keep = timedelta(hours=(service.restore or RestoreSpec()).keep_replaced_h)
    with transaction.atomic():
        row, created = Kept.objects.get_or_create(
            service=service.slug,
            name=kept.name,
            defaults={
                "database": kept.database,
                "kept_at": kept.kept_at,
                "kept_by": kept.kept_by,
                # Counted from when it is first seen here: never dropped at the first look.
                "expires_at": max(kept.kept_at, now) + keep,
            },
        )
        if not created and row.state == KeptState.RETURNED:
            Kept.objects.filter(pk=row.pk).update(state=KeptState.KEPT, closed_at=None, expires_at=now + keep)
            row.refresh_from_db()
        if created:
            facts = {"service": service.slug, "database": kept.name, "expires_at": row.expires_at.isoformat()}
            record(aggregate=f"kept:{row.pk}", action="kept.noted", actor=_ME, facts=facts, now=now)
    return row


def _note_returned(service: str, there: set[str], now: datetime) -> None:
    gone = Kept.objects.filter(service=service, state=KeptState.KEPT).exclude(name__in=there)
    for row in gone.exclude(dropping_by=""):
        say_dropped(row, by=row.dropping_by, now=now, expired=row.dropping_by == _ME)
    gone.update(state=KeptState.RETURNED, ended_at=now, closed_at=None, open_until=None)


def _plan_runs(kept: KeptDatabase) -> bool:
    state = _plan_state(kept)
    return state in (RunState.RUNNING, RunState.QUEUED)


def _may_close(kept: KeptDatabase, now: datetime) -> bool:
    """Whether the plan that replaced it is through with it."""
    state = _plan_state(kept)
    return state in (None, RunState.SUCCEEDED) or (not _plan_runs(kept) and now - kept.kept_at > LEFT_OPEN)


def _plan_state(kept: KeptDatabase) -> RunState | None:
    """The state of the plan whose step kept it; None: it is not known here any more."""
    try:
        return durable.get_run(UUID(kept.kept_by.partition(":")[0])).state
    except (PlanNotFound, ValueError):
        return None
