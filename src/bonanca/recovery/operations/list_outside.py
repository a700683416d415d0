"""Take over what repositories of others hold: backups that were taken there, and those that are gone."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError
from bonanca.kernel.ids import new_id
from bonanca.recovery.engines import OutsideEngine, TakenOutside, outside_named
from bonanca.recovery.models import Backup, BackupReplica
from bonanca.recovery.operations.take_outside import columns
from bonanca.recovery.state import HOLDING, BackupState, ReplicaState, backup_sources, replica_sources

TAKEN_BY = "pgBackRest"


def list_outside(*, now: datetime) -> list[str]:
    """One round over every service with such an engine; returns a line for each that could not be asked."""
    problems = []
    for service in list_services():
        engine = outside_named(service.backup.engine) if service.backup and service.database else None
        if engine is None:
            continue
        try:
            _compare(service, engine, now)
        except BonancaError as problem:
            problems.append(f"{service.slug}: {problem}")
    return problems


def _compare(service: ServiceView, engine: OutsideEngine, now: datetime) -> None:
    assert service.backup is not None
    mine = Backup.objects.filter(service=service.slug, engine=service.backup.engine)
    if mine.filter(state=BackupState.RUNNING).exists():
        return  # what it is writing is not known yet
    began = mine.order_by("-started_at").values_list("id", flat=True).first()
    found = engine.kept(service)
    with transaction.atomic():
        if mine.order_by("-started_at").values_list("id", flat=True).first() != began:
            return  # one was taken meanwhile: in the next round
        known = {
            (place, label) for facts in mine.values_list("facts", flat=True) for place, label in _labels(facts).items()
        }
        for place, kept in found.items():
            for one_of in kept or ():
                if (place, one_of.label) not in known:
                    _adopt(service, place, one_of, now)
        for place, kept in found.items():
            if kept is not None:
                _gone(service, place, {one_of.label for one_of in kept}, now)


def _labels(facts: dict[str, dict[str, str]]) -> dict[str, str]:
    return facts.get("labels", {})


def _adopt(service: ServiceView, place: str, found: TakenOutside, now: datetime) -> None:
    assert service.backup is not None
    assert service.database is not None
    backup = Backup.objects.create(
        id=new_id(),
        service=service.slug,
        engine=service.backup.engine,
        state=BackupState.STORED,
        taken_by=TAKEN_BY,
        started_at=found.began,
        finished_at=found.ended,
        beat_at=now,
        database=service.database.name,
        **columns({place: found}),
    )
    BackupReplica.objects.create(
        backup=backup,
        position=1,
        place=place,
        state=ReplicaState.STORED,
        size_bytes=found.size,
        bytes_done=found.size,
        stored_at=found.ended,
    )
    facts = {"service": service.slug, "label": found.label, "place": place}
    record(aggregate=f"backup:{backup.id}", action="backup.found", actor=SYSTEM("recovery").label, facts=facts, now=now)


def _gone(service: ServiceView, place: str, there: set[str], now: datetime) -> None:
    """What the repository let go by its own retention is gone here, too."""
    copies = BackupReplica.objects.filter(backup__service=service.slug, place=place, state__in=HOLDING)
    for copy in copies.select_related("backup"):
        label = _labels(copy.backup.facts).get(place)
        if label is None or label in there:
            continue
        rows = BackupReplica.objects.filter(pk=copy.pk)
        rows.filter(state__in=replica_sources(ReplicaState.REMOVING)).update(state=ReplicaState.REMOVING)
        rows.filter(state__in=replica_sources(ReplicaState.REMOVED)).update(
            state=ReplicaState.REMOVED, size_bytes=0, bytes_done=0, error=""
        )
        if BackupReplica.objects.filter(backup_id=copy.backup_id, state__in=HOLDING).exists():
            continue
        backups = Backup.objects.filter(pk=copy.backup_id, state__in=backup_sources(BackupState.PRUNED))
        if backups.update(state=BackupState.PRUNED):
            facts = {"service": service.slug, "size_bytes": copy.size_bytes, "label": label}
            actor = SYSTEM("recovery").label
            record(aggregate=f"backup:{copy.backup_id}", action="backup.pruned", actor=actor, facts=facts, now=now)
