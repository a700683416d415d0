"""A whole server by PostgreSQL's own tools: pg_basebackup as one stream, pg_combinebackup, the manifest's checksums.

The stream is one tar that never touches the disk. What the tar says about itself (its label, its manifest) is read as
it passes: the manifest is what the next incremental backup begins from.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c
from django.utils.translation import gettext as _

from bonanca.actuators.postgres.binaries import pg_bin, pg_bin_of, pg_environment
from bonanca.actuators.postgres.dump import DumpFailed, failure, running, widen, without_password
from bonanca.actuators.postgres.sessions import maintenance_dsn, one, server_version, session
from bonanca.kernel.errors import Invalid

READ_BYTES = 1024 * 1024
_BLOCK = 512
_WATCHED = ("backup_label", "backup_manifest")


class ManifestBroken(Invalid):
    """A file of a base backup is not what its manifest says."""


class TablespacesUnsupported(Invalid):
    """The server keeps data outside its data directory."""


@dataclass(frozen=True)
class ServerFacts:
    """What a physical backup has to know of the server: all of it comes back, whichever service asked."""

    version: int
    system_identifier: str
    timeline: int
    superuser: str
    summarizes: bool
    segment_bytes: int
    bytes: int


@dataclass(frozen=True)
class BaseBackup:
    """What pg_basebackup said: where recovery begins and where the data is consistent (LSNs), and its manifest."""

    start_lsn: str
    stop_lsn: str
    timeline: int
    manifest: bytes


def server_facts(dsn: str) -> ServerFacts:
    """Ask the server.

    Raises:
        DatabaseUnreachable. TablespacesUnsupported: it has tablespaces of its own.
    """
    with session(maintenance_dsn(dsn), read_only=True) as connection:
        spaces = connection.execute(
            "SELECT spcname FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY 1"
        ).fetchall()
        if spaces:
            raise TablespacesUnsupported(
                _("The server has tablespaces of its own (%(names)s): a physical backup of it is not one stream.")
                % {"names": ", ".join(name for (name,) in spaces)},
                hint=_("Declare engine: logical for this service."),
            )
        return ServerFacts(
            version=server_version(connection),
            system_identifier=str(one(connection, "SELECT system_identifier FROM pg_control_system()")),
            timeline=int(one(connection, "SELECT timeline_id FROM pg_control_checkpoint()")),
            superuser=str(one(connection, "SELECT rolname FROM pg_roles WHERE oid = 10")),
            summarizes=one(connection, "SELECT setting FROM pg_settings WHERE name = 'summarize_wal'") == "on",
            segment_bytes=int(one(connection, "SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'")),
            bytes=int(
                one(
                    connection,
                    "SELECT sum(pg_database_size(oid)) FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')",
                )
                or 0
            ),
        )


def stream_base_backup(
    dsn: str,
    *,
    write: Callable[[bytes], object],
    incremental: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> BaseBackup:
    """Write the server's data directory, with the log that it needs to be consistent, to `write` as one tar.

    Args:
        incremental: the manifest of the backup that this one goes on from (PostgreSQL 17 and later, summarize_wal on).

    Raises:
        DumpFailed: pg_basebackup said why.
    """
    address, environment = without_password(maintenance_dsn(dsn))
    command = [
        *(str(pg_bin("pg_basebackup")), "--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast"),
        # Every byte is authenticated by the envelope; these name the file that was damaged since, at a fraction of the
        # price of a SHA-256: half of what the server has to do for a backup.
        *("--manifest-checksums=CRC32C", "--no-password", "--label=bonanca", f"--dbname={address}"),
        *((f"--incremental={incremental}",) if incremental else ()),
    ]
    seen, total = TarWatcher(_WATCHED), 0
    with tempfile.TemporaryFile() as said, running(command, environment, stdout=subprocess.PIPE, stderr=said) as child:
        assert child.stdout is not None
        widen(child.stdout)
        while data := child.stdout.read(READ_BYTES):
            seen.feed(data)
            write(data)
            total += len(data)
            if progress is not None:
                progress(total)
        if child.wait() != 0:
            raise failure("pg_basebackup", child.returncode, said)
    return _facts(seen.found)


def combine(chain: list[Path], target: Path, *, version: int) -> None:
    """Make one data directory of a full backup and the incremental ones after it, oldest first.

    Raises:
        PostgresMissing, DumpFailed: pg_combinebackup said why.
    """
    command = [str(pg_bin_of(version, "pg_combinebackup")), "--no-sync", "--output", str(target)]
    if version >= 18:
        command.append("--link")  # the parts are thrown away afterwards
    with (
        tempfile.TemporaryFile() as said,
        running([*command, *map(str, chain)], pg_environment(), stdout=said, stderr=said) as child,
    ):
        if child.wait() != 0:
            raise failure("pg_combinebackup", child.returncode, said)


def verify_manifest(data: Path) -> int:
    """Compare every file of an unpacked backup with its manifest; returns how many there are.

    We read the manifest ourselves: pg_verifybackup of the wheel's PostgreSQL 18 ends with a segmentation fault
    (docs/decisions/0015).

    Raises:
        ManifestBroken: naming the first file that is missing, shorter, longer or other.
    """
    text = (data / "backup_manifest").read_bytes()
    manifest = json.loads(text)
    # The last line is the checksum of all bytes before it.
    body, _mark, _rest = text.rpartition(b'"Manifest-Checksum"')
    if hashlib.sha256(body).hexdigest() != manifest["Manifest-Checksum"]:
        raise ManifestBroken(_("The backup's manifest is damaged."))
    for entry in manifest["Files"]:
        _verify(data, entry)
    return len(manifest["Files"])


def _verify(data: Path, entry: dict[str, Any]) -> None:
    name = entry.get("Path") or bytes.fromhex(entry["Encoded-Path"]).decode()
    path = data / name
    if not path.is_file():
        raise ManifestBroken(_("The backup lacks the file %(name)s.") % {"name": name})
    if path.stat().st_size != entry["Size"]:
        raise ManifestBroken(
            _("%(name)s has %(size)d bytes, the manifest says %(wanted)d.")
            % {"name": name, "size": path.stat().st_size, "wanted": entry["Size"]}
        )
    if entry.get("Checksum") not in (None, *_sums(path, entry.get("Checksum-Algorithm"))):
        raise ManifestBroken(_("%(name)s is damaged: its checksum is not the manifest's.") % {"name": name})


def _sums(path: Path, algorithm: str | None) -> tuple[str, ...]:
    """What the manifest may say of the file; earlier releases asked for SHA-256."""
    with path.open("rb") as file:
        if algorithm == "SHA256":
            return (hashlib.file_digest(file, "sha256").hexdigest(),)
        if algorithm == "CRC32C":
            summed = 0
            while piece := file.read(READ_BYTES):
                summed = google_crc32c.extend(summed, piece)
            # As it lay in the server's memory, whose byte order is that of its machine.
            return summed.to_bytes(4, "little").hex(), summed.to_bytes(4, "big").hex()
    raise ManifestBroken(_("The manifest has checksums of an unknown kind: %(kind)s.") % {"kind": algorithm})


def _facts(found: dict[str, bytes]) -> BaseBackup:
    try:
        label, manifest = found["backup_label"].decode(), found["backup_manifest"]
        start = re.search(r"START WAL LOCATION: ([0-9A-F]+/[0-9A-F]+)", label)
        timeline = re.search(r"START TIMELINE: (\d+)", label)
        ranges = json.loads(manifest)["WAL-Ranges"]
        assert start is not None
        assert timeline is not None
        return BaseBackup(start[1], ranges[-1]["End-LSN"], int(timeline[1]), manifest)
    except (KeyError, ValueError, IndexError, AssertionError) as error:
        raise DumpFailed(_("pg_basebackup ended without a label and a manifest.")) from error


class TarWatcher:
    """Reads a tar as it passes and keeps the content of a few small members."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.found: dict[str, bytes] = {}
        self._names = names
        self._buffer = bytearray()
        self._left = 0
        self._name: str | None = None
        self._size = 0
        self._kept = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        if self._left and self._name is None and not self._buffer:
            # Most of it is content that nobody wants: not copied, only counted.
            skipped = min(self._left, len(data))
            self._left -= skipped
            if skipped == len(data):
                return
            data = data[skipped:]
        self._buffer += data
        at = 0
        while True:
            if self._left:
                taken = min(self._left, len(self._buffer) - at)
                if self._name is not None:
                    self._kept += self._buffer[at : at + taken]
                at += taken
                self._left -= taken
                if self._left:
                    break
                self._end()
            if len(self._buffer) - at < _BLOCK:
                break
            self._begin(bytes(self._buffer[at : at + _BLOCK]))
            at += _BLOCK
        del self._buffer[:at]

    def _begin(self, header: bytes) -> None:
        name = header[:100].rstrip(b"\0").decode(errors="replace")
        field = header[124:136]
        # Sizes above 8 GB are written in base 256, marked by the first bit.
        self._size = (
            int.from_bytes(field[1:], "big") if field[0] & 0x80 else int(field.rstrip(b" \0").strip() or b"0", 8)
        )
        self._name = name if name in self._names else None
        self._kept.clear()
        self._left = -(-self._size // _BLOCK) * _BLOCK
        if not self._left:
            self._name = None

    def _end(self) -> None:
        if self._name is not None:
            self.found[self._name] = bytes(self._kept[: self._size])
            self._name = None
