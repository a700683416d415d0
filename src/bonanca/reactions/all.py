"""Import every reaction: one file an event, and the list of files is the causal map."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

for _file in sorted(Path(__file__).parent.glob("*.py")):
    if _file.stem not in ("__init__", "apps", "all"):
        import_module(f"bonanca.reactions.{_file.stem}")
