"""Remove the content of set-aside rows whose time is over: it holds people's data."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import RollbackSpec
from bonanca.kernel.audit import record
from bonanca.kernel.errors import NotFound
from bonanca.recovery.models import SetAside
from bonanca.recovery.queries import get_set_aside

log = structlog.get_logger(__name__)


def expire_set_aside(*, now: datetime) -> list[str]:
    """Remove files that are older than `rollback.kept_for_h`; a list in which rows wait stays until they are settled.

    Returns a line for each file that could not be removed; it is tried again next time.
    """
    problems = []
    for row in SetAside.objects.filter(removed_at=None).order_by("created_at"):
        if now < row.created_at + _kept_for(row.service) or get_set_aside(row.id).waiting:
            continue
        try:
            for file in _files(Path(row.file)):
                file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("set-aside rows could not be removed", file=row.file, why=str(error))
            problems.append(f"{row.service}: {row.file}: {error}")
            continue
        with transaction.atomic():
            if SetAside.objects.filter(id=row.id, removed_at=None).update(removed_at=now):
                facts = {"file": row.file, "sha256": row.file_sha256}
                actor = SYSTEM("recovery").label
                record(aggregate=f"set-aside:{row.id}", action="rows.removed", actor=actor, facts=facts, now=now)
    return problems


def _files(file: Path) -> list[Path]:
    """The rows, and the answers of every plan that gave them to the service."""
    return [file, *file.parent.glob(f"{file.stem}.*outcomes.jsonl")]


def _kept_for(service: str) -> timedelta:
    try:
        declared = get_service(service).rollback or RollbackSpec()
    except NotFound:
        declared = RollbackSpec()  # a service that is declared no more keeps nothing for longer than the default
    return timedelta(hours=declared.kept_for_h)
