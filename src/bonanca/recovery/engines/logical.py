"""Dumps by pg_dump: one sealed object, whose own moment is the only one it can go back to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.dump import READ_BYTES, create_empty, restore_database
from bonanca.catalog.spec import ServiceView
from bonanca.recovery.bundle import members_of
from bonanca.recovery.bundle.members import FORMAT
from bonanca.recovery.engines.base import Archive, Opening, Scratch, Target
from bonanca.recovery.engines.files import take_member, taken_files
from bonanca.recovery.engines.places import key_findings
from bonanca.recovery.envelope import EnvelopeDamaged, open_envelope, read_header
from bonanca.recovery.fetching import fetch_intact
from bonanca.recovery.folders import scratch_folder
from bonanca.recovery.guards import database_of
from bonanca.recovery.parallel_dump import FOLDER, DumpReader, parallel_for, restore_jobs, table_of
from bonanca.recovery.sealing import DUMP, SealedDatabase, disk_full_named, seal_database
from bonanca.recovery.verdicts import NO, Finding, finding
from bonanca.recovery.views import BackupView

ONE_MOMENT = gettext_noop(
    "This backup is a dump: it goes back to its own moment and no other. Declare engine: physical for others"
)


class Logical:
    """pg_dump and pg_restore: any version to the same or a newer one, managed servers too."""

    def seal(
        self, service: ServiceView, view: BackupView, target: Path, *, on_bytes: Callable[[int], None]
    ) -> SealedDatabase:
        policy = service.backup
        assert policy is not None  # begin_backup has seen it
        return seal_database(
            database_of(service).dsn(),
            target,
            recipients=policy.recipients,
            label={"service": view.service, "backup": str(view.id), "database": view.database},
            on_bytes=on_bytes,
            how=lambda size: parallel_for(policy.jobs, size, scratch_folder(view.id)),
            files=None if policy.files is None else lambda bundle: taken_files(service, bundle, on_bytes=on_bytes),
        )

    def findings(
        self, service: ServiceView, backup: BackupView, target: Target, identities: Sequence[str]
    ) -> list[Finding]:
        wrong = [] if target.kind == "backup" else [finding("target", NO, ONE_MOMENT)]
        return [*key_findings(backup, identities), *wrong]

    def room(self, backup: BackupView, target: Target) -> int:
        return backup.size_bytes + backup.plain_bytes

    def open(self, opening: Opening) -> Archive:
        sealed = fetch_intact(opening.backup, opening.folder / "sealed.bnc", opening.places, opening.say)
        opening.say(0.25, _("opening"))
        dump = opening.folder / "dump"
        with opening.timed("open"), disk_full_named(dump):
            with sealed.open("rb") as source:
                bundled = read_header(source).label.get("format") == FORMAT
            if bundled:
                _unbundle(sealed, dump, opening)
            else:
                with sealed.open("rb") as source, dump.open("xb") as out:
                    open_envelope(source, out, identities=opening.identities)
        sealed.unlink()
        return Archive(dump, opening.backup.row_counts)

    @contextmanager
    def scratch(self, opening: Opening) -> Iterator[Scratch]:
        archive, say = self.open(opening), opening.say
        server = Cluster(opening.folder / "server")
        try:
            say(0.35, _("starting a scratch server"))
            with opening.timed("server"):
                server.init(durable=False)
                server.start(durable=False)
                server.wait_ready()
            say(0.5, _("restoring"))
            dsn = server.dsn(opening.backup.database)
            with opening.timed("restore"):
                create_empty(dsn)
                restore_database(dsn, archive.path, jobs=restore_jobs(opening.service))
            yield Scratch(dsn, archive.row_counts)
        finally:
            server.stop()


def _unbundle(sealed: Path, dump: Path, opening: Opening) -> None:
    """The dump out of a bundle, as a file or a folder; its files go where they are wanted."""
    tables = DumpReader(dump)
    try:
        with members_of(sealed, tuple(opening.identities)) as members:
            for member, content in members:
                if take_member(opening.files, member, content):
                    continue
                if tables.takes(member):
                    tables.take(member, content)
                elif member.name.startswith(f"{DUMP}/"):
                    with dump.open("ab") as out:
                        shutil.copyfileobj(content, out, READ_BYTES)
    except EnvelopeDamaged as problem:
        table = table_of(opening.backup.facts, problem.message)
        if table:
            raise EnvelopeDamaged(
                _("%(why)s That is the table %(table)s.") % {"why": problem.message, "table": table}
            ) from problem
        raise
    if opening.backup.facts.get("dump") == FOLDER and not tables.done:
        raise EnvelopeDamaged(_("The backup holds no list of its tables: it is not whole."))


ENGINE = Logical()
