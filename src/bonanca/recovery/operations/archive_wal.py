"""Receive services' write-ahead logs, and put every complete file of them, sealed, into the backups' places."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from time import monotonic

import structlog
import zstandard
from django.utils.translation import gettext as _

from bonanca.actuators.files.atomic import sync_folder
from bonanca.actuators.postgres.sessions import system_identifier
from bonanca.actuators.postgres.wal import Segment, is_history, is_segment
from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import BackupSpec, DatabaseSpec, PlaceSpec, ServiceView, WalSpec
from bonanca.durable.crashpoints import point
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.envelope import EnvelopeWriter
from bonanca.recovery.folders import received_folder, sealed_wal_folder
from bonanca.recovery.guards import refuse_own_server
from bonanca.recovery.models import WalFile, WalReceiver
from bonanca.recovery.places import Parcel, ReplicaProblem, opened, spec_of
from bonanca.recovery.receiving import keep_receiving, received_here, slot_name, stop_receiving, switch_when_written
from bonanca.recovery.sealing import disk_full_named

log = structlog.get_logger(__name__)
PENDING = "pending"
LEVEL = 3
# A place that failed is left alone for a while, so that it does not hold up the others.
REST_S = 60.0
_resting: dict[str, float] = {}


def archive_wal(*, now: datetime) -> list[str]:
    """One round for every service that declares it; returns a line for each that has a problem."""
    problems, folders = [], set()
    for service in list_services():
        wal = service.backup.physical.wal if service.backup and service.backup.physical else None
        if service.backup is None or service.database is None or wal is None:
            continue
        try:
            folders.add(_receive(service, service.database, wal, now))
        except BonancaError as problem:
            WalReceiver.objects.filter(service=service.slug).update(running=False, error=str(problem), seen_at=now)
            problems.append(f"{service.slug}: {problem}")
        problems += _store_all(service, service.backup)
    for folder in received_here():
        if folder not in folders and not _declared(folder):
            stop_receiving(folder)
    return problems


def _receive(service: ServiceView, database: DatabaseSpec, wal: WalSpec, now: datetime) -> Path:
    dsn, slot = database.dsn(), slot_name(service.slug)
    refuse_own_server(dsn)
    identifier = system_identifier(dsn)
    folder = received_folder(service.slug, identifier)
    row, _created = WalReceiver.objects.get_or_create(service=service.slug, defaults={"seen_at": now})
    standing = keep_receiving(dsn, folder, slot)
    due = row.switched_at is None or now - row.switched_at >= timedelta(seconds=wal.switch_every_s)
    if due and switch_when_written(dsn, folder):
        WalReceiver.objects.filter(service=service.slug).update(switched_at=now)
    WalReceiver.objects.filter(service=service.slug).update(
        system_identifier=identifier,
        slot=slot,
        running=standing.running,
        lag_bytes=standing.lag_bytes,
        seen_at=now,
        error="",
    )
    assert service.backup is not None
    for path in sorted(folder.iterdir()):
        if is_segment(path.name) or is_history(path.name):
            _seal(service.slug, service.backup, identifier, path)
    return folder


def _seal(service: str, backup: BackupSpec, identifier: str, path: Path) -> None:
    """Seal a complete file and write it down; only then is the clear one removed."""
    known = WalFile.objects.filter(service=service, system_identifier=identifier, name=path.name).first()
    if known is None:
        received = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        target = sealed_wal_folder(service) / f"{identifier}-{path.name}.bnc"
        label = {"service": service, "wal": path.name, "system_identifier": identifier, "format": "wal, zstd"}
        part = target.with_suffix(".part")
        with disk_full_named(target), part.open("wb") as out:
            part.chmod(0o600)
            writer = EnvelopeWriter(out, recipients=backup.recipients, label=label)
            writer.write(zstandard.ZstdCompressor(level=LEVEL).compress(path.read_bytes()))
            sealed = writer.finish()
            # The server has been told that it was received, and lets its own go.
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
        sync_folder(target.parent)
        segment = Segment.parse(path.name, path.stat().st_size) if is_segment(path.name) else None
        WalFile.objects.create(
            service=service,
            system_identifier=identifier,
            name=path.name,
            timeline=segment.timeline if segment else int(path.name[:8], 16),
            number=segment.number if segment else -1,
            history="" if segment else path.read_text(),
            received_at=received,
            object_name=f"{service}/wal/{identifier}/{path.name}.bnc",
            size_bytes=sealed.size,
            sha256=sealed.sha256,
            places=dict.fromkeys(backup.replicas, PENDING),
        )
    path.unlink()


def _store_all(service: ServiceView, backup: BackupSpec) -> list[str]:
    """Put what is not everywhere where it is missing; the sealed file stays here until every place has it."""
    problems = []
    waiting = WalFile.objects.filter(service=service.slug, complete=False).order_by("timeline", "number")
    for file in waiting[:200]:
        sealed = sealed_wal_folder(service.slug) / f"{file.system_identifier}-{file.name}.bnc"
        if not sealed.exists():
            # Sealed on another worker's machine, which stores it itself.
            continue
        missing = [place for place, problem in file.places.items() if problem and _rested(place)]
        if missing:
            parcel = Parcel(sealed, file.object_name, file.size_bytes, file.sha256)
            # Looked up here: a thread that asks our database would leave a connection behind.
            specs = [spec_of(service.slug, place) for place in missing]
            with ThreadPoolExecutor(max_workers=len(missing), thread_name_prefix="wal") as pool:
                said = dict(zip(missing, pool.map(_store, specs, repeat(parcel)), strict=True))
            file.places = {**file.places, **said}
            problems += [f"{service.slug}: {problem}" for problem in said.values() if problem]
        file.complete = not any(file.places.values())
        file.save(update_fields=["places", "complete"])
        if file.complete:
            point("recovery.wal.stored")
            sealed.unlink()
    _remove_left(service.slug)
    return problems


def _remove_left(service: str) -> None:
    """Remove sealed files that every place has: one whose worker died before it did so is never looked at again."""
    found = {path.name.removesuffix(".bnc"): path for path in sealed_wal_folder(service).glob("*.bnc")}
    if found:
        complete = WalFile.objects.filter(service=service, complete=True).values_list("system_identifier", "name")
        for name in found.keys() & {f"{identifier}-{name}" for identifier, name in complete}:
            found[name].unlink(missing_ok=True)


def _store(spec: PlaceSpec, parcel: Parcel) -> str:
    try:
        opened(spec).store(parcel)
    except ReplicaProblem as problem:
        _resting[spec.place] = monotonic()
        return problem.message or _("it failed")
    return ""


def _rested(place: str) -> bool:
    return monotonic() - _resting.get(place, -REST_S) >= REST_S


def _declared(folder: Path) -> bool:
    """Whether the folder's service still asks for its log: its server may only be unreachable for a moment."""
    for service in list_services():
        if service.slug == folder.parent.name:
            return bool(service.backup and service.backup.physical and service.backup.physical.wal)
    return False
