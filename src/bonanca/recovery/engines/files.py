"""Folders and files: beside a database's backup, or the whole of the backup of a service that has none."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.files.tree_read import identity
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.clock import utc_now
from bonanca.kernel.home import bonanca_home
from bonanca.recovery.bundle import MANIFEST, BundleWriter, FilesReader, add_files, files_needed, members_of
from bonanca.recovery.bundle.members import FORMAT
from bonanca.recovery.engines.base import Archive, Opening, Scratch, Target
from bonanca.recovery.engines.places import key_findings
from bonanca.recovery.envelope import EnvelopeDamaged, EnvelopeWriter
from bonanca.recovery.fetching import fetch_intact
from bonanca.recovery.sealing import SealedDatabase, disk_full_named
from bonanca.recovery.verdicts import NO, Finding, finding
from bonanca.recovery.views import BackupView

ONE_MOMENT = gettext_noop("Files go back to the moment of their backup and no other")


class NoFiles(EnvelopeDamaged):
    """The backup says that it holds files, and does not."""


class Files:
    """Nothing but the declared folders and files."""

    def seal(
        self, service: ServiceView, view: BackupView, target: Path, *, on_bytes: Callable[[int], None]
    ) -> SealedDatabase:
        assert service.backup is not None  # begin_backup has seen it
        at = utc_now()
        label = {"service": view.service, "backup": str(view.id), "snapshot_at": at.isoformat(), "format": FORMAT}
        with disk_full_named(target), target.open("xb") as out:
            target.chmod(0o600)
            envelope = EnvelopeWriter(out, recipients=service.backup.recipients, label=label)
            bundle = BundleWriter(envelope.write)
            facts = taken_files(service, bundle, on_bytes=on_bytes)
            bundle.finish()
            sealed = envelope.finish()
        return SealedDatabase(at, 0, None, 0, {}, sealed, facts)

    def findings(
        self, service: ServiceView, backup: BackupView, target: Target, identities: Sequence[str]
    ) -> list[Finding]:
        wrong = [] if target.kind == "backup" else [finding("target", NO, ONE_MOMENT)]
        return [*key_findings(backup, identities), *wrong]

    def room(self, backup: BackupView, target: Target) -> int:
        return backup.size_bytes

    def open(self, opening: Opening) -> Archive:
        raise NoFiles(_("This backup holds no database."))

    @contextmanager
    def scratch(self, opening: Opening) -> Iterator[Scratch]:
        assert opening.files is not None
        open_files(opening, opening.files)
        yield Scratch(None, None)


def taken_files(service: ServiceView, bundle: BundleWriter, *, on_bytes: Callable[[int], None]) -> dict[str, Any]:
    """Write the service's declared files into a bundle, first of all; returns what the backup's facts say of them.

    Raises:
        TooManyFiles: before anything was read. PathUnusable, FileUnreadable.
    """
    spec = service.backup.files if service.backup else None
    if spec is None:
        return {}
    skip = _never_in_a_backup(service)
    files_needed(spec, skip)
    return {"files": add_files(bundle, spec, skip=skip, on_bytes=on_bytes).to_json()}


def open_files(opening: Opening, files: FilesReader) -> None:
    """Fetch the backup and write its files where `files` wants them; its database is not read.

    Raises:
        NoReplicaIntact, WrongIdentity, EnvelopeDamaged, DiskFull.
    """
    sealed = fetch_intact(opening.backup, opening.folder / "sealed.bnc", opening.places, opening.say)
    opening.say(0.25, _("opening"))
    with (
        opening.timed("files"),
        disk_full_named(sealed),
        closing(files),
        members_of(sealed, tuple(opening.identities)) as members,
    ):
        for member, content in members:
            if files.takes(member):
                files.take(member, content)
            if member.name == MANIFEST:
                break
    sealed.unlink()
    if not files.done:
        raise NoFiles(_("The backup holds no list of its files: it is not whole."))


def take_member(files: FilesReader | None, member: tarfile.TarInfo, content: IO[bytes]) -> bool:
    """Whether the member is one of files; it is written when somebody wants it. For engines that read what follows."""
    if not FilesReader.takes(member):
        return False
    if files is not None:
        files.take(member, content)
    return True


def _never_in_a_backup(service: ServiceView) -> set[tuple[int, int]]:
    """The backups' own places, Bonança's home and the private key: a backup of these would grow for ever, or tell."""
    assert service.backup is not None
    own = [bonanca_home(), service.backup.identity_file]
    for place in service.backup.replicas:
        parts = urlsplit(place)
        if parts.scheme in ("", "file"):
            own.append(Path(parts.path))
    return {found for path in own if path is not None and (found := identity(path)) is not None}


ENGINE = Files()
