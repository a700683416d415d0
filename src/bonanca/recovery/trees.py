"""Where restored folders and files go, and where what they replace is kept: names that can be found again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bonanca.actuators.files.tree_swap import SIDE, Ident, ident, remove_tree, side_of, tidy_side
from bonanca.recovery.views import BackupView, RestoreView


def roots_of(backup: BackupView) -> list[Path]:
    """The paths that the backup took, in the order of their numbers."""
    return [Path(root["path"]) for root in (backup.files or {"roots": ()})["roots"]]


def names_beside(paths: Sequence[Path]) -> list[str]:
    """How the restored paths are called in a folder beside: by their last name, numbered where two have the same."""
    names = [path.name for path in paths]
    return [f"{number}-{name}" if names.count(name) > 1 else name for number, name in enumerate(names)]


def targets_of(paths: Sequence[Path], folder: str) -> list[Path]:
    """What changes its content: the paths themselves, or the one new folder."""
    return [Path(folder)] if folder else list(paths)


def staging_of(target: Path, mark: str, epoch: int, number: int) -> Path:
    """Where it is written before it gets its name. An outdated worker writes into another one."""
    return side_of(target) / f"new-{mark}-{epoch}-{number}"


def kept_of(target: Path, mark: str, number: int, word: str = "kept") -> Path:
    """Where what was there is kept."""
    return target.parent / SIDE / f"{word}-{mark}-{number}"


def remove_staging(target: Path, mark: str) -> None:
    """Remove what loads of the plan left beside the target."""
    for left in (target.parent / SIDE).glob(f"new-{mark}-*"):
        remove_tree(left)
    tidy_side(target)


def remove_unplaced(target: Path, mark: str, number: int, new: Ident) -> None:
    """Remove what had its name and never came to its place: `new` is what was restored."""
    kept = kept_of(target, mark, number)
    if ident(kept) == new:
        remove_tree(kept)


def targets_of_restore(restore: RestoreView, backup: BackupView) -> list[Path]:
    """As `targets_of`, of a restore."""
    return targets_of(roots_of(backup), restore.folder) if restore.of_files else []
