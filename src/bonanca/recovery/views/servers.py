"""A whole server's restore as others see it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bonanca.recovery.verdicts import NO, Finding


@dataclass(frozen=True)
class ServerRestore:
    """What stands in the way, and once it is done where the replaced directory is and what starts the new one.

    `kept` None: nothing was replaced (yet). `commands` are typed on the server's machine, in their order.
    """

    service: str
    backup_id: UUID
    data_directory: str
    verdict: tuple[Finding, ...]
    done: bool = False
    kept: str | None = None
    commands: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether something stands in its way."""
        return any(found.answer == NO for found in self.verdict)
