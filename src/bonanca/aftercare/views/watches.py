"""A reinforced watch, as frozen values (times UTC)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bonanca.aftercare.state import FindingKind, Origin, WatchState
from bonanca.ui.phrases import Phrase, render


@dataclass(frozen=True)
class Finding:
    """One thing that tells that it came back; `text` is a message id with its facts."""

    kind: str
    severity: str
    text: str
    facts: dict[str, Any]
    at: datetime

    @property
    def words(self) -> str:
        return render(self.text, self.facts)

    @property
    def phrase(self) -> Phrase:
        return Phrase(self.text, self.facts)

    @property
    def kind_label(self) -> str:
        return str(FindingKind(self.kind).label)


@dataclass(frozen=True)
class SampleView:
    """One minute: requests, failures, the share of the nearest threshold (None: not seen), failing checks."""

    at: datetime
    requests: int
    failed: int
    share: float | None
    checks: int
    failing: tuple[dict[str, str], ...]
    held: bool

    @property
    def ratio(self) -> float | None:
        return self.failed / self.requests if self.requests else None


@dataclass(frozen=True)
class WatchView:
    """One watch. `unseen_s` are seconds in which nobody could look; `worst_share` 1 is at the threshold."""

    id: UUID
    service: str
    team: str
    origin: str
    incident_id: UUID | None
    plan_id: UUID | None
    severity: str
    state: str
    tighten: float
    shorten: float
    failures: int
    traffic_percent: float
    started_at: datetime
    started_by: str
    until: datetime
    counts_from: datetime
    looked_at: datetime | None
    judged_at: datetime | None
    checked_at: datetime | None
    requests: int
    failed: int
    checks: int
    unseen_s: float
    worst_share: float
    ended_at: datetime | None
    ended_by: str
    end_reason: str
    alert_id: UUID | None
    # Name of each check that fails, with how many looks in a row it has.
    failing: dict[str, int]
    sampled_until: datetime
    alert_open: bool
    found_at: datetime | None
    findings: tuple[Finding, ...] = ()

    @property
    def is_on(self) -> bool:
        return self.state == WatchState.WATCHING

    @property
    def state_label(self) -> str:
        return str(WatchState(self.state).label)

    @property
    def origin_label(self) -> str:
        return str(Origin(self.origin).label)

    @property
    def tone(self) -> str:
        """The colour's meaning."""
        return {"watching": "accent", "calm": "calm", "returned": "burning"}.get(self.state, "unknown")

    @property
    def done_share(self) -> float:
        """How much of its time is over at the last look, 0..1."""
        whole = (self.until - self.started_at).total_seconds()
        at = self.ended_at or self.looked_at or self.started_at
        return min(1.0, max(0.0, (at - self.started_at).total_seconds() / whole))

    @property
    def failed_ratio(self) -> float:
        return self.failed / self.requests if self.requests else 0.0
