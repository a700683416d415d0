"""Read which folders and files a backup takes."""

from __future__ import annotations

from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.catalog.documents.nodes import Node
from bonanca.catalog.documents.reader import Reader, resolve
from bonanca.catalog.spec.data import BackupSpec
from bonanca.catalog.spec.files import AT_MOST_FILES, AT_MOST_MB, FilesSpec

# A declaration is no list of a tree's content.
AT_MOST_PATHS = 50


def read_files(reader: Reader, root: Path | None) -> FilesSpec:
    """The part `files` of a backup; relative paths start at the service's root where it has one."""
    base = root or reader.base
    nodes = reader.items("paths", required=True)
    paths = tuple(path for node in nodes if (path := _path(reader, base, node)) is not None)
    if "paths" in reader.entries and not nodes:
        reader.bad(reader.entries["paths"], "paths", _("at least one path"))
    if len(paths) > AT_MOST_PATHS:
        reader.bad(reader.entries["paths"], "paths", _("at most %(count)d paths") % {"count": AT_MOST_PATHS})
    for path in paths:
        around = next((other for other in paths if other != path and path.is_relative_to(other)), None)
        if around is not None or paths.count(path) > 1:
            reader.wrong(
                reader.entries["paths"],
                _("%(what)s: %(path)s is in the backup twice") % {"what": reader.what, "path": path},
            )
            break
    return FilesSpec(
        paths=paths,
        exclude=reader.words("exclude"),
        at_most_mb=reader.integer("at_most_mb", AT_MOST_MB, minimum=1, maximum=100_000_000),
        at_most_files=reader.integer("at_most_files", AT_MOST_FILES, minimum=1, maximum=10_000_000),
    )


def _path(reader: Reader, base: Path, node: Node) -> Path | None:
    text = node.value.strip() if isinstance(node.value, str) else ""
    expected = _("a path, absolute or relative to the service's root")
    if not text or "\x00" in text:
        reader.bad(node, "paths", expected)
        return None
    path = resolve(base, text)
    if len(path.parts) < 3:
        # Neither / nor /etc nor /var: a restore puts a whole path in the place of what is there.
        reader.bad(node, "paths", _("a path at least two folders deep, such as /srv/loja"))
        return None
    return path


def files_fit(reader: Reader, backup: BackupSpec) -> None:
    """What takes the backups must be able to take files."""
    if backup.files is not None and backup.pgbackrest is not None:
        reader.wrong(
            reader.entries["files"],
            _("%(what)s: files needs engine: logical or physical; pgBackRest keeps its own") % {"what": reader.what},
        )
