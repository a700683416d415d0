"""Open an envelope that lies in a file, in an emergency: with the private key and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from bonanca.recovery.bundle import FilesReader, members_of
from bonanca.recovery.envelope import open_envelope, read_header
from bonanca.recovery.identities import read_identity_file
from bonanca.recovery.parallel_dump import FOLDER, DumpReader
from bonanca.recovery.sealing import DUMP, disk_full_named
from bonanca.recovery.trees import names_beside
from bonanca.recovery.unpacking import write_member

# As many declared paths as there can be in one backup.
_PATHS = 1000
_PIECE = 1024 * 1024


def open_file(sealed: Path, out: Path, identity_file: Path) -> Mapping[str, str]:
    """Decrypt `sealed` into `out` (0600, never over an existing file) and return its label.

    Raises:
        FileNotFoundError, FileExistsError, IdentityUnreadable, WrongIdentity, DiskFull.
        EnvelopeDamaged: with the place; `out` is then removed, since half a dump looks like a whole one.
    """
    identities = read_identity_file(identity_file)
    with sealed.open("rb") as source:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with disk_full_named(out), os.fdopen(handle, "wb") as target:
                return open_envelope(source, target, identities=identities).label
        except BaseException:
            out.unlink(missing_ok=True)
            raise


def unpack_file(sealed: Path, folder: Path, identity_file: Path) -> Mapping[str, str]:
    """Decrypt and unpack `sealed` into the new `folder`, whatever it holds, and return its label.

    What comes: `files/` with the declared paths by their last names, `database.dump` or `database/` for pg_restore,
    `server/` with a server's data directory.

    Raises:
        As `open_file`; after an error `folder` is removed.
    """
    identities = read_identity_file(identity_file)
    with sealed.open("rb") as source:
        label = read_header(source).label
    folder.mkdir(mode=0o700)
    try:
        if label.get("format") in (None, "pg_dump custom"):
            return open_file(sealed, folder / DUMP, identity_file)
        with disk_full_named(folder / "x"):
            _unpack(sealed, folder, identities)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return label


def _unpack(sealed: Path, folder: Path, identities: tuple[str, ...]) -> None:
    places = {number: folder / "files" / str(number) for number in range(_PATHS)}
    (folder / "files").mkdir()
    files, tables = FilesReader(places), DumpReader(folder / FOLDER)
    with closing(files), members_of(sealed, identities) as members:
        for member, content in members:
            if files.takes(member):
                files.take(member, content)
            elif tables.takes(member):
                tables.take(member, content)
            elif member.name.startswith(f"{DUMP}/"):
                with (folder / DUMP).open("ab") as out:
                    shutil.copyfileobj(content, out, _PIECE)
            else:
                write_member(folder / "server", member, content)
    for number, name in enumerate(names_beside([Path(path) for path in files.roots])):
        if places[number].exists() or places[number].is_symlink():
            places[number].rename(folder / "files" / name)
    if not files.roots:
        (folder / "files").rmdir()
