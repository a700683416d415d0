"""What a check of copies found. Sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class CheckedCopy:
    """One copy, read whole. `answered` False: the place does not answer, which says nothing about the copy.

    `authenticated`: a private key was there, and every chunk is what was sealed. `repaired`: it was damaged and has
    been made again from an intact one.
    """

    place: str
    object_name: str
    ok: bool
    answered: bool
    authenticated: bool
    size_bytes: int
    error: str
    repaired: bool = False


@dataclass(frozen=True)
class CheckedSegment:
    """A file of the archived log that is not what it was in a place (`answered` False: the place does not answer)."""

    name: str
    place: str
    answered: bool
    error: str
    repaired: bool


@dataclass(frozen=True)
class WalCheck:
    """The archived log of a service: how many files were read in every place, and what was wrong."""

    service: str
    files: int
    wrong: tuple[CheckedSegment, ...]

    @property
    def repaired(self) -> tuple[CheckedSegment, ...]:
        """What was damaged or gone and is there again."""
        return tuple(one for one in self.wrong if one.repaired)

    @property
    def ok(self) -> bool:
        """Whether every file is intact in every place, if need be after its repair."""
        return all(one.repaired for one in self.wrong)


@dataclass(frozen=True)
class CheckReport:
    """Every copy of one backup."""

    backup_id: UUID
    service: str
    copies: tuple[CheckedCopy, ...]

    @property
    def damaged(self) -> tuple[CheckedCopy, ...]:
        """Copies that are not what was written, and were not repaired."""
        return tuple(copy for copy in self.copies if not copy.ok and copy.answered and not copy.repaired)

    @property
    def unread(self) -> tuple[CheckedCopy, ...]:
        """Copies whose place did not answer."""
        return tuple(copy for copy in self.copies if not copy.answered)

    @property
    def ok(self) -> bool:
        """Whether every copy was read and is intact, if need be after its repair."""
        return not self.damaged and not self.unread
