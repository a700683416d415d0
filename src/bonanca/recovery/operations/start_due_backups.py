"""Start the backups that the services' policies ask for."""

from __future__ import annotations

from datetime import datetime, timedelta

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import ServiceView
from bonanca.durable.queries import unfinished_of
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.operations.start_backup import start_backup
from bonanca.recovery.queries import last_attempt
from bonanca.recovery.state import BackupState
from bonanca.running.homes import release_if_known

# A failed backup is tried again after this share of its interval, at least five minutes: not in a tight loop.
RETRY_SHARE = 0.1
RETRY_AT_LEAST = timedelta(minutes=5)


def start_due_backups(*, now: datetime) -> list[str]:
    """Start a plan for each service whose backup is due; returns a line for each that could not be started."""
    problems = []
    for service in list_services():
        due = due_at(service, now)
        if due is None or due > now:
            continue
        try:
            start_backup(
                service=service.slug,
                actor=SYSTEM("recovery"),
                now=now,
                key=f"backup:{service.slug}:{int(due.timestamp())}",
            )
        except BonancaError as error:
            problems.append(f"{service.slug}: {error}")
    return problems


def due_at(service: ServiceView, now: datetime) -> datetime | None:
    """When the next backup of the service is due; None when it declares none, or one is on its way.

    The first is due at once, but a service that Bonança deploys holds nothing before its first release.
    """
    if service.backup is None or not service.backed_up or service.backup.every_h <= 0:
        return None
    if service.repository is not None and service.root is not None and release_if_known(service) is None:
        return None
    if any(run.kind == "backup" for run in unfinished_of(f"service:{service.slug}")):
        return None
    last = last_attempt(service.slug)
    if last is None:
        return now
    every = timedelta(hours=service.backup.every_h)
    if last.state is BackupState.RUNNING:
        return None
    if last.state is BackupState.FAILED:
        return last.started_at + max(RETRY_AT_LEAST, every * RETRY_SHARE)
    return last.started_at + every
