"""The whole server by PostgreSQL's own tools, to any moment that its archived log reaches.

A backup is a sealed, compressed tar of pg_basebackup: full, or incremental on the one before it. A restore unpacks the
chain, combines it, lets a scratch server replay the log to the target, and takes the service's database out of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import zstandard
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.basebackup import (
    BaseBackup,
    ServerFacts,
    combine,
    server_facts,
    stream_base_backup,
    verify_manifest,
)
from bonanca.actuators.postgres.binaries import PostgresMissing, pg_bin_of
from bonanca.actuators.postgres.dump import DumpFailed
from bonanca.actuators.postgres.recovered import TargetNotReached, recovered_server
from bonanca.actuators.postgres.sessions import at_database, maintenance_dsn, one, session
from bonanca.catalog.spec import ServiceView
from bonanca.recovery.bundle import BundleWriter, members_of
from bonanca.recovery.engines.base import Opening, Scratch, Target
from bonanca.recovery.engines.chains import chain_of, parent_for
from bonanca.recovery.engines.files import take_member, taken_files
from bonanca.recovery.engines.places import key_findings
from bonanca.recovery.engines.wal_archive import Reach, fetch_wal, reach_of
from bonanca.recovery.engines.whole_server import WholeServer
from bonanca.recovery.envelope import EnvelopeWriter, Sealed
from bonanca.recovery.fetching import fetch_intact
from bonanca.recovery.folders import manifest_file
from bonanca.recovery.guards import database_of
from bonanca.recovery.sealing import SealedDatabase, disk_full_named
from bonanca.recovery.state import RESTORABLE
from bonanca.recovery.unpacking import write_member
from bonanca.recovery.verdicts import NO, OK, Finding, finding
from bonanca.recovery.views import BackupView

# Measured on a database of pgbench: 1 is five times as fast as 9 and a fifth larger.
LEVEL = 1
FORMAT = "pg_basebackup tar, zstd"

PROGRAMS = gettext_noop("The programs of PostgreSQL %(version)d are on this machine")
NO_PROGRAMS = gettext_noop("This machine cannot run it: %(why)s")
CHAIN = gettext_noop("The backup stands on %(count)d earlier ones, and all of them are there")
CHAIN_BROKEN = gettext_noop("The backup stands on one of %(at)s that is lost: %(why)s")


class Physical(WholeServer):
    """pg_basebackup, pg_receivewal, pg_combinebackup."""

    def seal(
        self, service: ServiceView, view: BackupView, target: Path, *, on_bytes: Callable[[int], None]
    ) -> SealedDatabase:
        assert service.backup is not None  # begin_backup has seen it
        dsn = database_of(service).dsn()
        server = server_facts(dsn)
        parent = parent_for(service, server, view)
        try:
            base, sealed, taken = _sealed(service, view, server, parent, target, on_bytes)
        except DumpFailed:
            if parent is None:
                raise
            # The server no longer knows what changed since (its summaries were removed): begin anew with a full one.
            parent = None
            target.unlink(missing_ok=True)
            base, sealed, taken = _sealed(service, view, server, None, target, on_bytes)
        _keep_manifest(view, base.manifest)
        with session(maintenance_dsn(dsn)) as connection:
            at = one(connection, "SELECT clock_timestamp()").astimezone(UTC)
        facts = {
            "system_identifier": server.system_identifier,
            "timeline": base.timeline,
            "start_lsn": base.start_lsn,
            "stop_lsn": base.stop_lsn,
            "superuser": server.superuser,
            "segment_bytes": server.segment_bytes,
            **taken,
        }
        parent_id = parent.id if parent else None
        return SealedDatabase(at, server.version, base.stop_lsn, server.bytes, {}, sealed, facts, parent_id)

    def findings(
        self, service: ServiceView, backup: BackupView, target: Target, identities: Sequence[str]
    ) -> list[Finding]:
        found = key_findings(backup, identities)
        earlier = chain_of(backup)[:-1]
        broken = [_broken(one_of, identities) for one_of in earlier]
        found += [wrong for wrong in broken if wrong is not None] or (
            [finding("chain", OK, CHAIN, count=len(earlier))] if earlier else []
        )
        try:
            pg_bin_of(backup.server_version, "postgres")
            if earlier:
                pg_bin_of(backup.server_version, "pg_combinebackup")
            found.append(finding("programs", OK, PROGRAMS, version=backup.server_version))
        except PostgresMissing as problem:
            found.append(finding("programs", NO, NO_PROGRAMS, why=str(problem)))
        return [*found, reach_of(backup, target).finding]

    def room(self, backup: BackupView, target: Target) -> int:
        sealed = sum(one_of.size_bytes for one_of in chain_of(backup))
        # Unpacked, replayed, and the dump of it; PostgreSQL before 18 also copies when it combines.
        return sealed + int(2.5 * backup.database_bytes) + reach_of(backup, target).bytes

    @contextmanager
    def scratch(self, opening: Opening) -> Iterator[Scratch]:
        home = opening.folder / "server"
        home.mkdir(mode=0o700)
        reach, wal = lay_out(opening, home / "data")
        opening.say(0.4, _("replaying the log"))
        with _recovered(opening, home, wal, reach) as dsn:
            yield Scratch(at_database(dsn, opening.backup.database), None)


def lay_out(opening: Opening, data: Path) -> tuple[Reach, Path | None]:
    """Fetch and unpack the backup into the data directory `data`, and the log that its target needs beside it.

    Returns:
        What the target needs, and the folder of the log; None: what is in the backup suffices.

    Raises:
        NoReplicaIntact, WalLost, WrongIdentity, EnvelopeDamaged, DiskFull; CombineFailed.
    """
    backup, folder, say = opening.backup, opening.folder, opening.say
    parts = []
    for number, one_of in enumerate(chain_of(backup)):
        say(0.1, _("fetching and unpacking"))
        parts.append(_unpacked(opening, one_of, folder / f"part{number}"))
    if len(parts) == 1:
        parts[0].rename(data)
    else:
        with opening.timed("combine"):
            combine(parts, data, version=backup.server_version)
    reach, wal = reach_of(backup, opening.target), None
    if reach.files or reach.partial is not None:
        say(0.3, _("fetching the log"))
        wal = folder / "wal"
        with opening.timed("wal"):
            fetch_wal(reach, wal, opening)
    return reach, wal


def _sealed(
    service: ServiceView,
    view: BackupView,
    server: ServerFacts,
    parent: BackupView | None,
    target: Path,
    on_bytes: Callable[[int], None],
) -> tuple[BaseBackup, Sealed, dict[str, Any]]:
    assert service.backup is not None
    label = {
        "service": view.service,
        "backup": str(view.id),
        "database": view.database,
        "postgresql": str(server.version),
        "format": FORMAT,
        "system_identifier": server.system_identifier,
        "stands_on": str(parent.id) if parent else "",
    }
    with disk_full_named(target), target.open("xb") as out:
        target.chmod(0o600)
        envelope = EnvelopeWriter(out, recipients=service.backup.recipients, label=label)
        # A tar of its own before the server's: read end to end they are one.
        taken: dict[str, Any] = {}
        if service.backup.files is not None:
            bundle = BundleWriter(envelope.write)
            taken = taken_files(service, bundle, on_bytes=on_bytes)
            bundle.finish()
        packer = zstandard.ZstdCompressor(level=LEVEL, threads=2).compressobj()

        def write(data: bytes) -> None:
            envelope.write(packer.compress(data))

        base = stream_base_backup(
            database_of(service).dsn(),
            write=write,
            incremental=manifest_file(parent.id) if parent is not None else None,
            progress=on_bytes,
        )
        envelope.write(packer.flush())
        return base, envelope.finish(), taken


@contextmanager
def _recovered(opening: Opening, home: Path, wal: Path | None, reach: Reach) -> Iterator[str]:
    backup, settings = opening.backup, dict(reach.settings)

    def server() -> AbstractContextManager[str]:
        return recovered_server(
            home,
            version=backup.server_version,
            superuser=backup.facts["superuser"],
            wal=wal,
            target=settings,
            watch=lambda text: opening.say(0.4, text[-120:]),
        )

    with ExitStack() as stack:
        try:
            dsn = stack.enter_context(server())
        except TargetNotReached:
            if "time" not in settings:
                raise
            # The log goes on beyond the moment and no commit in it is later: all of it is the state of that moment.
            settings.pop("time")
            dsn = stack.enter_context(server())
        yield dsn


def _unpacked(opening: Opening, backup: BackupView, folder: Path) -> Path:
    """Fetch, decrypt and unpack in one pass: only the sealed file and the data directory touch the disk."""
    # What the places of earlier backups say is not what those of this one say.
    places = opening.places if backup.id == opening.backup.id else []
    sealed = fetch_intact(backup, folder.with_suffix(".bnc"), places, opening.say)
    folder.mkdir(mode=0o700)
    # An earlier backup's files are older ones.
    files = opening.files if backup.id == opening.backup.id else None
    with opening.timed("open"), disk_full_named(folder), members_of(sealed, tuple(opening.identities)) as members:
        for member, content in members:
            if not take_member(files, member, content):
                write_member(folder, member, content)
        verify_manifest(folder)
    sealed.unlink()
    return folder


def _keep_manifest(view: BackupView, manifest: bytes) -> None:
    """For the next incremental backup: names, sizes and checksums of files, no content of any."""
    path = manifest_file(view.id)
    path.write_bytes(manifest)
    path.chmod(0o600)


def _broken(backup: BackupView, identities: Sequence[str]) -> Finding | None:
    at = f"{backup.started_at:%Y-%m-%d %H:%M} UTC"
    if backup.state not in RESTORABLE:
        return finding("chain", NO, CHAIN_BROKEN, at=at, why=backup.error or backup.state.value)
    wrong = [found for found in key_findings(backup, identities) if found.answer == NO]
    return finding("chain", NO, CHAIN_BROKEN, at=at, why=wrong[0].words) if wrong else None


ENGINE = Physical()
