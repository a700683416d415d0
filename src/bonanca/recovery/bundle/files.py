"""Declared folders and files inside a bundle: taken with a manifest, and compared with it when they come back."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from django.utils.translation import gettext as _

from bonanca.actuators.files.tree_read import Entry, Left, shown, walk
from bonanca.actuators.files.tree_write import Properties, TreeWriter, UnsafeName
from bonanca.catalog.spec import FilesSpec
from bonanca.kernel.errors import Invalid, Unavailable
from bonanca.recovery.bundle.members import BundleWriter
from bonanca.recovery.envelope import EnvelopeDamaged

PREFIX = "bonanca-files"
MANIFEST = "bonanca-files.json"
_VERSION = 1
_SHOWN = 200


class FileUnreadable(Unavailable):
    """The disk did not give what a file holds; the message names it."""


class TooManyFiles(Invalid):
    """The declared paths hold more than the declaration allows."""


@dataclass
class Root:
    """One declared path: how many files and bytes of it were taken."""

    path: str
    kind: str = ""
    files: int = 0
    folders: int = 0
    links: int = 0
    bytes: int = 0


@dataclass
class FilesTaken:
    """What was taken. `left` (path, why) was not; `changed` was written to while it was read: it may be torn."""

    roots: list[Root] = field(default_factory=list)
    left: Left = field(default_factory=Left)
    changed: list[str] = field(default_factory=list)

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(root.files for root in self.roots)

    @property
    def bytes(self) -> int:
        """What is in them."""
        return sum(root.bytes for root in self.roots)

    def to_json(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "bytes": self.bytes,
            "roots": [vars(root) for root in self.roots],
            "left": [list(one) for one in self.left.shown],
            "left_count": self.left.count,
            "changed": self.changed[:_SHOWN],
            "changed_count": len(self.changed),
        }


def files_needed(spec: FilesSpec, skip: Collection[tuple[int, int]]) -> FilesTaken:
    """Count what would be taken, without reading any of it.

    Raises:
        TooManyFiles: more than is declared. PathUnusable.
    """
    taken = FilesTaken([Root(str(path)) for path in spec.paths])
    for entry in walk(spec.paths, exclude=spec.exclude, skip=skip, left=taken.left, read=False):
        _count(taken, entry)
        _bounded(spec, taken)
    return taken


def add_files(
    bundle: BundleWriter,
    spec: FilesSpec,
    *,
    skip: Collection[tuple[int, int]],
    on_bytes: Callable[[int], None],
) -> FilesTaken:
    """Write every declared file into the bundle, and after them the manifest.

    Args:
        skip: (device, inode) of what must not be in a backup: its own places and keys.
        on_bytes: told the bytes that were read so far; what it raises ends the backup.

    Raises:
        TooManyFiles, PathUnusable: nothing that was written so far is of use.
    """
    taken = FilesTaken([Root(str(path)) for path in spec.paths])
    manifest = [json.dumps({"version": _VERSION, "roots": [str(path) for path in spec.paths]})]
    for entry in walk(spec.paths, exclude=spec.exclude, skip=skip, left=taken.left):
        _count(taken, entry)
        _bounded(spec, taken)
        facts: dict[str, Any] = {"root": entry.root, "path": entry.path, "kind": entry.kind}
        member = _member(entry)
        if entry.kind == "file":
            source = _Exactly(_whole_path(spec, entry), entry.handle, entry.stat.st_size)
            bundle.add(member, cast("IO[bytes]", source))
            facts |= {"size": entry.stat.st_size, "sha256": source.sum.hexdigest()}
            if source.torn or _moved(entry.stat, os.fstat(entry.handle)):
                taken.changed.append(_whole_path(spec, entry))
            on_bytes(taken.bytes)
        else:
            bundle.add(member)
        manifest.append(json.dumps(facts))
    manifest.append(json.dumps({"left": taken.left.count, "changed": len(taken.changed), "entries": len(manifest) - 1}))
    bundle.add_bytes(MANIFEST, "\n".join(manifest).encode())
    return taken


class FilesReader:
    """Takes the file members of a bundle, writes them below `destinations`, and compares all with the manifest.

    `done` once the manifest has come and everything is as it says; `entries` is how many there are.
    """

    def __init__(self, destinations: Mapping[int, Path], told: Callable[[int], None] = lambda done: None) -> None:
        self._writer = TreeWriter(destinations)
        self._wanted = destinations
        self._told = told
        self._seen: dict[tuple[int, str], dict[str, Any]] = {}
        self.done = False
        self.bytes = 0
        self.files = 0
        self.owners_lost = 0
        self.roots: tuple[str, ...] = ()

    @staticmethod
    def takes(member: tarfile.TarInfo) -> bool:
        """Whether the member is one of files, and not the database's."""
        return member.name == MANIFEST or member.name.partition("/")[0] == PREFIX

    def take(self, member: tarfile.TarInfo, content: IO[bytes]) -> None:
        """Write one member.

        Raises:
            EnvelopeDamaged: its name leads elsewhere, or it is not what the manifest says.
        """
        if member.name == MANIFEST:
            self._compare(content.read())
            return
        try:
            self._write(member, content)
        except UnsafeName as problem:
            raise EnvelopeDamaged(problem.message) from problem

    def _write(self, member: tarfile.TarInfo, content: IO[bytes]) -> None:
        root, path = _place_of(member)
        facts: dict[str, Any] = {"root": root, "path": path}
        properties = _properties(member)
        if root not in self._wanted:
            return
        if member.isdir():
            facts["kind"] = "folder"
            self._writer.folder(root, path, properties)
        elif member.issym():
            facts["kind"] = "link"
            self._writer.link(root, path, properties, member.linkname)
        elif member.isreg():
            size, summed = self._writer.file(root, path, properties, content)
            facts |= {"kind": "file", "size": size, "sha256": summed}
            self.bytes += size
            self.files += 1
            self._told(self.bytes)
        else:
            raise EnvelopeDamaged(
                _("“%(name)s” is neither a folder, a file nor a link.") % {"name": shown(member.name)}
            )
        self._seen[root, path] = facts

    def close(self) -> None:
        """Close what is open; nothing that was written is removed."""
        self._writer.close()

    def _compare(self, text: bytes) -> None:
        lines = text.decode().split("\n")
        self.roots = tuple(json.loads(lines[0])["roots"])
        wrong = []
        for line in lines[1:-1]:
            said = json.loads(line)
            if said["root"] not in self._wanted:
                continue
            found = self._seen.pop((said["root"], said["path"]), None)
            if found != said:
                wrong.append(shown(said["path"]) or str(said["root"]))
        wrong += [shown(path) for _root, path in self._seen]
        if wrong or json.loads(lines[-1])["entries"] != len(lines) - 2:
            raise EnvelopeDamaged(
                _("These files are not what was taken: %(names)s") % {"names": ", ".join(wrong[:20]) or MANIFEST}
            )
        self._writer.finish()
        self.owners_lost = self._writer.owners_lost
        self.done = True


def _count(taken: FilesTaken, entry: Entry) -> None:
    root = taken.roots[entry.root]
    if not entry.path:
        root.kind = entry.kind
    root.files += entry.kind == "file"
    root.folders += entry.kind == "folder"
    root.links += entry.kind == "link"
    root.bytes += entry.stat.st_size if entry.kind == "file" else 0


def _bounded(spec: FilesSpec, taken: FilesTaken) -> None:
    hint = _("Exclude what need not be kept, or raise at_most_mb or at_most_files of backup.files.")
    if taken.bytes > spec.at_most_mb * 1_000_000:
        words = _("The declared paths hold more than %(limit)d MB, which is as much as the declaration allows.")
        raise TooManyFiles(words % {"limit": spec.at_most_mb}, hint=hint)
    if sum(root.files + root.folders + root.links for root in taken.roots) > spec.at_most_files:
        words = _("The declared paths hold more than %(limit)d files, which is as many as the declaration allows.")
        raise TooManyFiles(words % {"limit": spec.at_most_files}, hint=hint)


def _member(entry: Entry) -> tarfile.TarInfo:
    found = entry.stat
    member = tarfile.TarInfo(f"{PREFIX}/{entry.root}" + (f"/{entry.path}" if entry.path else ""))
    member.mode, member.uid, member.gid = stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid
    seconds, rest = divmod(found.st_mtime_ns, 1_000_000_000)
    member.mtime = seconds
    # As a record of its own: tar's own field knows whole seconds.
    member.pax_headers = {"mtime": f"{seconds}.{rest:09d}"}
    if entry.kind == "folder":
        member.type = tarfile.DIRTYPE
    elif entry.kind == "link":
        member.type, member.linkname = tarfile.SYMTYPE, entry.target
    else:
        member.size = found.st_size
    return member


def _properties(member: tarfile.TarInfo) -> Properties:
    seconds, _point, rest = str(member.pax_headers.get("mtime", member.mtime)).partition(".")
    mtime_ns = int(seconds) * 1_000_000_000 + int(rest.ljust(9, "0")[:9] or 0)
    return Properties(stat.S_IMODE(member.mode), member.uid, member.gid, mtime_ns)


def _place_of(member: tarfile.TarInfo) -> tuple[int, str]:
    _prefix, number, path = (*member.name.split("/", 2), "", "")[:3]
    if not number.isdecimal():
        raise EnvelopeDamaged(_("“%(name)s” belongs to no declared path.") % {"name": shown(member.name)})
    return int(number), path


def _whole_path(spec: FilesSpec, entry: Entry) -> str:
    top = spec.paths[entry.root]
    return shown(str(top / entry.path) if entry.path else str(top))


def _moved(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )


class _Exactly(io.RawIOBase):
    """As many bytes as the file had when it was opened, with their sum; what is missing is zeros, and `torn`."""

    def __init__(self, name: str, handle: int, size: int) -> None:
        self._name, self._handle, self._left = name, handle, size
        self.sum = hashlib.sha256()
        self.torn = False

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; b"" at the end."""
        wanted, found = self._left if size < 0 else min(size, self._left), bytearray()
        while len(found) < wanted and not self.torn:
            try:
                data = os.read(self._handle, wanted - len(found))
            except OSError as problem:
                raise FileUnreadable(f"{self._name}: {problem.strerror}") from problem
            found += data
            self.torn = not data
        found += bytes(wanted - len(found))
        self._left -= wanted
        self.sum.update(found)
        return bytes(found)
