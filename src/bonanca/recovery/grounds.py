"""Where files may be restored beside what runs: near where they came from, and nowhere else on the machine.

The verdict on a folder says whether it is there, whether its disk has room and whether a worker may write there. Told
of any folder it would be a way to look around on the machine as its worker.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NAME_MOST, _PATH_MOST = 255, 3000


@dataclass(frozen=True)
class Grounds:
    """Below the service's root, and directly beside a path of the backup under a name that begins with `prefix`."""

    prefix: str
    beside: tuple[Path, ...]
    root: Path | None

    def hold(self, folder: Path) -> bool:
        """Whether an absolute path without `..` lies there by its name, and by where links lead on the way to it."""
        above = Path(os.path.realpath(folder.parent))
        if self.root is not None and self.root in folder.parents:
            real = Path(os.path.realpath(self.root))
            return above == real or real in above.parents
        return folder.parent in self.beside and folder.name.startswith(self.prefix)

    def __str__(self) -> str:
        places = [f"{self.root}/…"] if self.root is not None else []
        return ", ".join([*places, *(f"{above / self.prefix}…" for above in self.beside)])


def grounds_of(service: str, paths: Sequence[Path], root: Path | None) -> Grounds:
    """Those of a backup's paths."""
    return Grounds(f"{service}-", tuple(dict.fromkeys(path.parent for path in paths)), root)


def is_path(text: str) -> bool:
    """Whether the system takes a text as a path at all."""
    try:
        raw = os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return b"\0" not in raw and len(raw) <= _PATH_MOST and max(map(len, raw.split(b"/"))) <= _NAME_MOST
