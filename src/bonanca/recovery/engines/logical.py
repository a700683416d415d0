"""Backups by pg_dump: a snapshot of one database, restored with pg_restore. Works with managed servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.dump import create_empty, dump_version, restore_database
from bonanca.catalog.spec import ServiceView
from bonanca.recovery import folders
from bonanca.recovery.engines.base import Evidence, Finding, Reached, Say, Target, problem, register
from bonanca.recovery.engines.choosing import NothingToRestore, backup_for
from bonanca.recovery.engines.fetching import (
    fetch_intact,
    look_at_places,
    places_of,
    require_room,
    room_for,
    timed,
)
from bonanca.recovery.envelope import open_envelope
from bonanca.recovery.sealing import disk_full_named
from bonanca.recovery.views import BackupView

# The restored database, its write-ahead log and the opened dump beside the sealed one.
ROOM_FACTOR = 1.5


@dataclass
class ScratchDatabase:
    """A scratch server of our own with the restored database (`Materialised`)."""

    backup: BackupView
    reached: Reached
    server: Cluster

    def dsn(self, database: str | None = None) -> str:
        return self.server.dsn(database or self.backup.database)

    def stop(self) -> None:
        self.server.stop()


class LogicalEngine:
    """Snapshots: a point in time is reached as well as the newest earlier snapshot does."""

    reaches_points = False

    def verdict(self, service: ServiceView, target: Target, identities: Sequence[str]) -> tuple[Finding, ...]:
        try:
            backup = backup_for(service.slug, target)
        except NothingToRestore as error:
            return (problem("nothing_to_restore", error),)
        return (
            *_moment(backup, target),
            _version(backup),
            *look_at_places(backup, places_of(backup), identities),
            room_for(folders.root(), _scratch_bytes(backup)),
        )

    def materialise(
        self,
        service: ServiceView,
        target: Target,
        folder: Path,
        *,
        identities: Sequence[str],
        say: Say,
        evidence: Evidence | None = None,
    ) -> ScratchDatabase:
        backup = backup_for(service.slug, target)
        seen = Evidence() if evidence is None else evidence
        require_room(folder.parent, _scratch_bytes(backup))
        folder.mkdir(mode=0o700, parents=True)
        dump = fetch_dump(backup, folder, identities=identities, say=say, evidence=seen)
        server = Cluster(folder / "server")
        try:
            say(0.35, _("starting a scratch server"))
            with timed(seen, "server"):
                server.init(durable=False)
                server.start(durable=False)
                server.wait_ready()
            say(0.5, _("restoring"))
            with timed(seen, "restore"):
                dsn = server.dsn(backup.database)
                create_empty(dsn)
                restore_database(dsn, dump)
        except BaseException:
            server.stop()
            raise
        return ScratchDatabase(backup, reached_by(backup), server)


def fetch_dump(backup: BackupView, folder: Path, *, identities: Sequence[str], say: Say, evidence: Evidence) -> Path:
    """Fetch and open a logical backup below `folder` (there already); returns what pg_restore reads.

    Raises:
        NoReplicaIntact, WrongIdentity, EnvelopeDamaged, DiskFull.
    """
    sealed = fetch_intact(backup, places_of(backup), folder / "sealed.bnc", evidence=evidence, say=say)
    say(0.25, _("opening"))
    dump = folder / "dump"
    with timed(evidence, "open"), disk_full_named(dump), sealed.open("rb") as source, dump.open("xb") as out:
        open_envelope(source, out, identities=identities)
    sealed.unlink()
    return dump


def reached_by(backup: BackupView) -> Reached:
    """The moment of a snapshot."""
    return Reached(backup.snapshot_at, backup.lsn or None)


def _scratch_bytes(backup: BackupView) -> int:
    return backup.size_bytes + backup.plain_bytes + int(backup.database_bytes * ROOM_FACTOR)


def _moment(backup: BackupView, target: Target) -> list[Finding]:
    at = backup.snapshot_at or backup.started_at
    facts = {"backup": str(backup.id), "at": at.isoformat(timespec="seconds"), "lsn": target.lsn or target.name or ""}
    if target.lsn is not None or target.name is not None:
        text = gettext_noop("The backup %(backup)s is a snapshot: it cannot go on to %(lsn)s.")
        return [
            Finding(
                False,
                "not_a_point",
                text,
                facts,
                gettext_noop("Choose a physical backup, or this backup's own moment."),
            )
        ]
    if target.time is not None and target.time > at:
        early_s = (target.time - at).total_seconds()
        text = gettext_noop("The newest snapshot before that time is of %(at)s: %(early_s)s earlier.")
        return [Finding(True, "earlier", text, facts | {"early_s": early_s}, warning=True)]
    return [Finding(True, "moment", gettext_noop("The backup's snapshot is of %(at)s"), facts)]


def _version(backup: BackupView) -> Finding:
    facts = {"backup": backup.server_version, "ours": dump_version()}
    if backup.server_version > dump_version():
        return Finding(
            False,
            "wrong_version",
            gettext_noop("The backup is of PostgreSQL %(backup)d and the programs of this installation are %(ours)d."),
            facts,
            gettext_noop("Update Bonança: pg_restore reads dumps of its own version and older ones."),
        )
    return Finding(True, "version", gettext_noop("pg_restore %(ours)d reads a dump of PostgreSQL %(backup)d"), facts)


register("logical", LogicalEngine())
