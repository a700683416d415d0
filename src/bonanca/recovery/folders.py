"""Where this room keeps files on the machine: everything below BONANCA_HOME/recovery, for its owner only."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from bonanca.actuators.files.store import ContentStore
from bonanca.actuators.files.tree_swap import remove_tree
from bonanca.kernel.home import bonanca_home


def root() -> Path:
    """BONANCA_HOME/recovery, created when it is not there."""
    return _private(bonanca_home() / "recovery")


def staging_file(backup_id: UUID) -> Path:
    """The sealed backup on its way to the replicas (already encrypted)."""
    return _private(root() / "staging") / f"{backup_id}.bnc"


def copy_file(replica_id: UUID) -> Path:
    """A backup on its way from one place to another (already encrypted)."""
    return _private(root() / "copies") / f"{replica_id}.bnc"


def rewrap_files(backup_id: UUID) -> tuple[Path, Path]:
    """A backup as it was and as it will be, while its key is wrapped for others (both encrypted)."""
    folder = _private(root() / "copies")
    return folder / f"{backup_id}.old", folder / f"{backup_id}.new"


def scratch_folder(drill_id: UUID) -> Path:
    """The scratch server of a drill and the opened backup beside it; not created here."""
    return _private(root() / "scratch") / str(drill_id)


def set_aside_file(mark: str) -> Path:
    """The JSON lines of the rows that a rollback set aside."""
    return _private(root() / "set-aside") / f"{mark}.jsonl"


def manifest_file(backup_id: UUID) -> Path:
    """The manifest of a physical backup, from which an incremental one goes on: names and checksums, no content."""
    return _private(root() / "manifests") / f"{backup_id}.json"


def received_folder(service: str, system_identifier: str) -> Path:
    """Where the receiver of a service's log writes; complete segments leave it sealed."""
    return _private(root() / "wal" / service / system_identifier)


def sealed_wal_folder(service: str) -> Path:
    """Sealed segments that not every place has taken yet."""
    return _private(root() / "wal-sealed" / service)


def contents() -> ContentStore:
    """Configuration files of pins, and what restoring them replaced."""
    return ContentStore(root() / "files")


def remove_scratch(drill_id: UUID) -> None:
    """Remove what a drill left. Raises OSError when something cannot be removed: it holds data in the clear."""
    folder = scratch_folder(drill_id)
    remove_tree(folder)


def everything_temporary() -> list[Path]:
    """Staging files and scratch folders, whoever works with them; each is named by the id of its row."""
    return [*(root() / "staging").glob("*"), *(root() / "scratch").glob("*")]


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
