"""Which keys open a service's backups, and what is wrong with that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

SHOWN = 14


def short(key: str) -> str:
    """A public key as people compare it."""
    return f"{key[:SHOWN]}…"


@dataclass(frozen=True)
class SealedTo:
    """One backup and the public keys that open it; None: taken by a release that did not keep them."""

    backup_id: UUID
    taken_at: datetime
    recipients: tuple[str, ...] | None
    lost: bool
    undrilled: bool
    outdated: bool


@dataclass(frozen=True)
class ServiceKeys:
    """The declared keys, the one that drills use, and the backups of the service, newest first.

    Of a backup: `lost`, no declared key opens it; `undrilled`, the key that drills use does not open it; `outdated`, a
    key opens it that is not declared any more, or a declared one does not. `unread`: why the drills' key is not known.
    """

    service: str
    declared: tuple[str, ...]
    drilled_with: tuple[str, ...] | None
    unread: str
    backups: tuple[SealedTo, ...]

    @property
    def lost(self) -> tuple[SealedTo, ...]:
        return tuple(backup for backup in self.backups if backup.lost)

    @property
    def undrilled(self) -> tuple[SealedTo, ...]:
        return tuple(backup for backup in self.backups if backup.undrilled)

    @property
    def outdated(self) -> tuple[SealedTo, ...]:
        return tuple(backup for backup in self.backups if backup.outdated)

    @property
    def openable(self) -> tuple[SealedTo, ...]:
        """Those that have to be wrapped again and that the drills' key opens."""
        mine = set(self.drilled_with or ())
        return tuple(one for one in self.backups if one.outdated and mine & set(one.recipients or ()))

    @property
    def declared_short(self) -> tuple[str, ...]:
        return tuple(map(short, self.declared))

    @property
    def drilled_short(self) -> tuple[str, ...]:
        return tuple(map(short, self.drilled_with or ()))
