"""Where Bonança keeps its data on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def bonanca_home() -> Path:
    """Return the absolute BONANCA_HOME; without one, `bonanca` in the person's XDG data folder."""
    declared = os.environ.get("BONANCA_HOME")
    if declared:
        return Path(declared).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME")
    base = Path(data) if data else Path.home() / ".local" / "share"
    return (base / "bonanca").absolute()
