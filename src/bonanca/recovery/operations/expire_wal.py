"""Remove archived log that no backup needs any more: what lies before the start of the oldest one that is left."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.actuators.postgres.wal import lsn_number
from bonanca.kernel.audit import record
from bonanca.recovery.models import Backup, WalFile
from bonanca.recovery.places import ReplicaProblem, place_of
from bonanca.recovery.state import RESTORABLE


def expire_wal(*, now: datetime) -> list[str]:
    """Do it for every archive; returns a line for each place that did not let go of a file (tried again next time).

    An archive without any backup keeps everything: the first backup may be on its way.
    """
    problems = []
    archives = WalFile.objects.order_by().values_list("service", "system_identifier").distinct()
    for service, identifier in archives:
        oldest = _oldest_needed(service, identifier)
        if oldest is None:
            continue
        files = WalFile.objects.filter(
            service=service, system_identifier=identifier, number__gte=0, number__lt=oldest, complete=True
        )
        gone = []
        for file in files.order_by("number")[:500]:
            said = [_remove(service, place, file.object_name) for place in file.places]
            problems += [f"{service}: {problem}" for problem in said if problem]
            if not any(said):
                gone.append(file)
        if gone:
            with transaction.atomic():
                WalFile.objects.filter(pk__in=[file.pk for file in gone]).delete()
                facts = {"files": len(gone), "first": gone[0].name, "last": gone[-1].name}
                actor = SYSTEM("recovery").label
                record(aggregate=f"service:{service}", action="wal.expired", actor=actor, facts=facts, now=now)
    return problems


def _oldest_needed(service: str, identifier: str) -> int | None:
    starts = [
        lsn_number(facts["start_lsn"]) // facts["segment_bytes"]
        for facts in Backup.objects.filter(service=service, engine="physical", state__in=RESTORABLE).values_list(
            "facts", flat=True
        )
        if facts.get("system_identifier") == identifier
    ]
    return min(starts) if starts else None


def _remove(service: str, place: str, name: str) -> str:
    try:
        place_of(service, place).remove(name)
    except ReplicaProblem as problem:
        return problem.message
    return ""
