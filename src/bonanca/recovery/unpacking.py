"""Members of a server's or a dump's own tar, written below one folder."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import IO

_PIECE = 1024 * 1024


def write_member(folder: Path, member: tarfile.TarInfo, content: IO[bytes]) -> None:
    """Write one member of a server's tar below `folder`, for its owner only. Raises tarfile.FilterError: unsafe."""
    safe = tarfile.data_filter(member, str(folder))
    path = folder / safe.name
    if safe.isdir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif safe.issym():
        path.symlink_to(safe.linkname)
    else:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as out:
            path.chmod(0o600)
            shutil.copyfileobj(content, out, _PIECE)
