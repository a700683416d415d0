"""The folders and files that a service's backup takes beside its database, or instead of one."""

from dataclasses import dataclass
from pathlib import Path

AT_MOST_MB = 10_000
AT_MOST_FILES = 100_000


@dataclass(frozen=True)
class FilesSpec:
    """`paths` are absolute; `exclude` are patterns of names (no slash) or of paths below a declared one.

    A backup that would take more than `at_most_mb` (10^6 bytes each) or `at_most_files` is refused, not cut.
    """

    paths: tuple[Path, ...]
    exclude: tuple[str, ...] = ()
    at_most_mb: int = AT_MOST_MB
    at_most_files: int = AT_MOST_FILES
