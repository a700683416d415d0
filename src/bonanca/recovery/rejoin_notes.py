"""Folders of servers that a rewind was begun on: until it has ended, such a folder is trusted by no plan.

With each lie the server's own settings, which a rewind replaces before they can be put back.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bonanca.actuators.files.atomic import write_atomic
from bonanca.actuators.files.held import Held
from bonanca.actuators.files.tree_swap import ident
from bonanca.recovery import folders


def note_rewind(data: Path, settings: Mapping[str, Held]) -> None:
    """Write down, before anything is touched, that the folder is about to be rewound."""
    kept = {
        name: {"data": b64encode(held.data).decode("ascii"), "mode": held.mode, "uid": held.uid, "gid": held.gid}
        for name, held in settings.items()
    }
    note = {"data": str(data), "inode": _inode(data), "settings": kept}
    write_atomic(_note(data), json.dumps(note).encode(), mode=0o600)


def rewind_of(data: Path) -> dict[str, Held] | None:
    """The settings of a folder whose rewind has not ended; None: none was begun on this one."""
    try:
        note: dict[str, Any] = json.loads(_note(data).read_bytes())
    except FileNotFoundError:
        return None
    # Another folder of the same name, such as one that a person has copied since, is not the one that was rewound.
    if note["data"] != str(data) or note["inode"] != _inode(data):
        return None
    return {name: Held(b64decode(one.pop("data")), **one) for name, one in note["settings"].items()}


def forget_rewind(data: Path) -> None:
    """The folder is a standby's: whole, and with its own settings."""
    _note(data).unlink(missing_ok=True)


def run_note(run_id: object) -> Path:
    """What a plan has come to."""
    return _folder() / f"{run_id}.json"


def _note(data: Path) -> Path:
    return _folder() / f"of-{hashlib.sha256(str(data).encode()).hexdigest()[:32]}.json"


def _folder() -> Path:
    folder = folders.root() / "rejoined"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _inode(data: Path) -> int | None:
    found = ident(data)
    return found[1] if found else None
