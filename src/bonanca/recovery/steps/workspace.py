"""A private folder for what a step opens, which no worker takes from another that has the plan by now."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from bonanca.actuators.files.tree_swap import remove_tree
from bonanca.durable.context import StepContext
from bonanca.durable.fence import fenced
from bonanca.recovery import folders
from bonanca.recovery.steps.support import mark_of

# How long to go on removing below a program of who lost the plan: refused, that ends.
_PATIENCE_S = 10.0


@contextmanager
def workspace(ctx: StepContext) -> Iterator[Path]:
    """A folder of this epoch alone; what earlier attempts left is removed first, and this one at the end.

    Raises:
        Fenced: a newer epoch was here; nothing of it is touched.
    """
    root = folders.scratch_folder(UUID(str(ctx.params.get("restore_id") or ctx.run_id)))
    folder = root / f"{mark_of(ctx.token.run_id)}-{ctx.token.epoch}"
    with fenced(f"scratch:{root}", ctx.token):
        _fresh(root, folder)
    try:
        yield folder
    finally:
        _remove(folder)
        with suppress(OSError):  # somebody else's is in it
            root.rmdir()


def _fresh(root: Path, folder: Path) -> None:
    while True:
        _remove(root)
        with suppress(FileNotFoundError):  # one that ends has just removed it, being empty
            folder.mkdir(mode=0o700, parents=True)
            return


def _remove(path: Path) -> None:
    """Remove a tree that somebody else may be removing, or writing to, at the same time.

    It loses its name first: who writes there by name can go on no more. What a program still writes that has its place
    there is waited for. Killed in between, it is swept up as any scratch that nobody works in.
    """
    away = path.with_name(f"{path.name}-gone-{secrets.token_hex(6)}")
    try:
        path.rename(away)
    except FileNotFoundError:
        return
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            remove_tree(away)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
            continue
        return
