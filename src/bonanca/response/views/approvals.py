"""Who has said yes to a plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bonanca.response.state import Door


@dataclass(frozen=True)
class Approval:
    """One person's yes."""

    by: str
    name: str
    via: str
    at: datetime

    @property
    def via_label(self) -> str:
        return str(Door(self.via).label)
