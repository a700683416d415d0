"""Open an envelope that lies in a file, in an emergency: with the private key and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bonanca.recovery.envelope import open_envelope
from bonanca.recovery.identities import read_identity_file
from bonanca.recovery.sealing import disk_full_named


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
