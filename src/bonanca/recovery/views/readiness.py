"""Whether a service could come back, as others see it. Durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bonanca.recovery.state import BackupMark, DrillMark
from bonanca.recovery.views.drills import DrillView


@dataclass(frozen=True)
class Objectives:
    """What a drill measured against what was declared then. None: not declared, or not measured.

    `rpo_measured_s` is the longest time without a good backup since the passed drill before.
    """

    rto_s: float | None = None
    rto_measured_s: float | None = None
    rpo_s: float | None = None
    rpo_measured_s: float | None = None

    @property
    def rto_met(self) -> bool | None:
        """None: there is nothing to compare."""
        return _met(self.rto_measured_s, self.rto_s)

    @property
    def rpo_met(self) -> bool | None:
        """None: there is nothing to compare."""
        return _met(self.rpo_measured_s, self.rpo_s)

    @property
    def missed(self) -> bool:
        """Whether one of them was measured and is not met."""
        return self.rto_met is False or self.rpo_met is False


def _met(measured: float | None, objective: float | None) -> bool | None:
    return None if measured is None or objective is None else measured <= objective


@dataclass(frozen=True)
class Readiness:
    """The marks of a service that declares a backup, and what they rest on.

    `drill_every_h` is None when drills have no schedule; `unprotected_s` is the age of what the newest good backup
    holds, which is what would be lost now.
    """

    service: str
    name: str
    team: str
    backup_mark: BackupMark
    drill_mark: DrillMark
    backup_every_h: float
    drill_every_h: float | None
    pick: str
    objectives: Objectives
    unprotected_s: float | None
    first_good_at: datetime | None
    last_good_at: datetime | None
    backup_error: str
    last_drill: DrillView | None
    last_passed: DrillView | None
    next_drill_at: datetime | None
    drill_running: bool

    @property
    def ok(self) -> bool:
        return self.backup_mark is BackupMark.OK and self.drill_mark is DrillMark.OK
