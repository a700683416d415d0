"""Forget who was erased so long ago that nothing which is kept could bring them back (LGPD art. 6, III)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import list_services
from bonanca.kernel.audit import record
from bonanca.recovery.models import Backup, Erasure, Kept, Pin, SetAside
from bonanca.recovery.queries.privacy import MARK_SHOWN
from bonanca.recovery.state import BackupState, KeptState, PinState

GONE = (BackupState.FAILED, BackupState.PRUNED)


def forget_erasures(*, now: datetime) -> int:
    """Do it for the services that declare `privacy.erasures.forget_after_days`; returns how many were forgotten."""
    forgotten = 0
    for service in list_services():
        erasures = service.privacy.erasures if service.privacy else None
        if erasures is None or erasures.forget_after_days is None:
            continue
        before = min([now - timedelta(days=erasures.forget_after_days), *_kept_since(service.slug)])
        with transaction.atomic():
            rows = Erasure.objects.select_for_update().filter(service=service.slug, erased_at__lt=before)
            marks = [row.mark[:MARK_SHOWN] for row in rows]
            if not marks:
                continue
            rows.delete()
            facts = {"people": marks, "erased_before": before.isoformat()}
            actor = SYSTEM("recovery").label
            record(aggregate=f"erasures:{service.slug}", action="erasure.forgotten", actor=actor, facts=facts, now=now)
            forgotten += len(marks)
    return forgotten


def _kept_since(service: str) -> Iterator[datetime]:
    """The moments of everything that could come back."""
    for taken, begun in (
        Backup.objects.filter(service=service).exclude(state__in=GONE).values_list("snapshot_at", "started_at")
    ):
        yield min(filter(None, (taken, begun)))
    yield from Pin.objects.filter(service=service, state=PinState.READY).values_list("taken_at", flat=True)
    yield from Kept.objects.filter(service=service, state=KeptState.KEPT).values_list("kept_at", flat=True)
    yield from SetAside.objects.filter(service=service, removed_at=None).values_list("created_at", flat=True)
