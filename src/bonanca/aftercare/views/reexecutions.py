"""Re-executions, as frozen values (times UTC)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.aftercare.state import ItemState, ReexecutionState
from bonanca.ui.formats import clock_text, day_text

_KIND = re.compile(r"HTTP [0-9]{3}\b|[A-Za-z]+(?=:)")


def in_brief(state: str, reason: str) -> str:
    """A reason without the words of the service, which may tell of a customer: only their kind (HTTP 422)."""
    if state != ItemState.FAILED:
        return reason
    kind = _KIND.match(reason)
    return kind[0] if kind else ""


@dataclass(frozen=True)
class ItemView:
    """One failed job, message or request, without its content."""

    id: int
    source: str
    key: str
    failed_at: datetime | None
    label: str
    idempotency_key: str
    state: str
    attempts: int
    sent_at: datetime | None
    settled_at: datetime | None
    reason: str

    @property
    def state_label(self) -> str:
        return str(ItemState(self.state).label)

    @property
    def words(self) -> str:
        """Why it is so: our own words in the reader's language, a service's as they are."""
        return _(self.reason) if self.reason else ""

    @property
    def tone(self) -> str:
        return {"done": "calm", "already": "calm", "failed": "burning", "sending": "accent"}.get(self.state, "unknown")


@dataclass(frozen=True)
class ReexecutionView:
    """One list and its plan. `counts` are items by outcome, `sources` by source and outcome."""

    id: UUID
    service: str
    team: str
    incident_id: UUID | None
    since: datetime
    until: datetime
    state: str
    problems: tuple[dict[str, str], ...]
    listed_by: str
    listed_at: datetime
    rate_per_s: float
    stop_percent: float
    started_by: str
    started_at: datetime | None
    finished_at: datetime | None
    run_id: UUID | None
    error: str
    forgotten_at: datetime | None
    counts: dict[str, int]
    sources: dict[str, dict[str, int]]

    @property
    def state_label(self) -> str:
        return str(ReexecutionState(self.state).label)

    @property
    def period(self) -> str:
        """What time is listed, in the reader's zone: 12 mar. 2026 14:30 – 15:10."""
        begin, end = (f"{day_text(at)} {clock_text(at, seconds=False)}" for at in (self.since, self.until))
        return f"{begin} – {end.removeprefix(f'{day_text(self.since)} ')}"

    @property
    def tone(self) -> str:
        if self.state == ReexecutionState.DONE and self.failed:
            return "risk"
        return {"running": "accent", "done": "calm", "stopped": "burning"}.get(self.state, "unknown")

    @property
    def waits(self) -> bool:
        """Whether people may still choose and start it."""
        return self.state == ReexecutionState.LISTED

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        """Items that are still to be done."""
        return self.counts.get(ItemState.CHOSEN, 0) + self.counts.get(ItemState.SENDING, 0)

    @property
    def failed(self) -> int:
        return self.counts.get(ItemState.FAILED, 0)

    @property
    def in_effect(self) -> int:
        return self.counts.get(ItemState.DONE, 0) + self.counts.get(ItemState.ALREADY, 0)

    @property
    def expected_s(self) -> float:
        """Seconds that the rest takes at its rate, at least."""
        return self.left / self.rate_per_s
