"""The charts of a service's backups: what happened, how fast it came back, how much would have been lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from django.utils.translation import gettext as _

from bonanca.recovery.state import BackupState, DrillState, ReplicaState
from bonanca.recovery.views.history import History
from bonanca.ui.charts import Chart, LaneMark, durations_svg, lanes_svg
from bonanca.ui.formats import bytes_text, duration_text

# Stored is not yet proven: only what was restored is calm.
TONES = {
    "verified": "calm",
    "passed": "calm",
    "stored": "accent",
    "failed": "burning",
    "damaged": "burning",
    "given_up": "burning",
}


def timeline_of(found: History) -> Chart:
    """Backups, each place and drills, on one time axis."""
    backups, drills = _("Backups"), _("Drills")
    marks = [
        LaneMark(backups, point.at, _tone(point.state), _backup_words(point.state, point.size_bytes, point.error))
        for point in found.backups
    ]
    places: dict[str, None] = {}
    for point in found.backups:
        for place, state, error in point.places:
            places.setdefault(place)
            words = str(ReplicaState(state).label) + (f": {error[:120]}" if error else "")
            marks.append(LaneMark(place, point.at, _tone(state), words))
    for drill in found.drills:
        took = f", RTO {duration_text(drill.restore_seconds)}" if drill.restore_seconds is not None else ""
        words = f"{drill.state.label}{took}" + (f": {drill.error[:120]}" if drill.error else "")
        marks.append(LaneMark(drills, drill.started_at, _tone(drill.state), words))
    return lanes_svg(
        [backups, *places, drills],
        marks,
        title=_("Backups, their places and drills"),
        caption=_(
            "Circle: restored for proof. Square: stored, not proven. Triangle: failed. Cross: running or not reached."
        ),
        columns=(_("Time"), _("What happened")),
        empty=_("Nothing was backed up in this time."),
        since=found.since,
        until=found.until,
    )


def rto_of(found: History, allowed_s: float | None) -> Chart:
    """Recovery time of each passed drill."""
    passed = [
        (drill.started_at, drill.restore_seconds)
        for drill in found.drills
        if drill.state is DrillState.PASSED and drill.restore_seconds is not None
    ]
    return durations_svg(
        passed,
        title=_("Back in (RTO), drill by drill"),
        column=_("Back in (RTO)"),
        allowed_s=allowed_s,
        since=found.since,
        until=found.until,
    )


def rpo_of(found: History, now: datetime, allowed_s: float | None) -> Chart:
    """What would have been lost just before each good backup, and now."""
    return durations_svg(
        gaps_of(found.good, now),
        title=_("Data that would have been lost (RPO), just before each backup and now"),
        column=_("Data lost at most (RPO)"),
        allowed_s=allowed_s,
        since=found.since,
        until=found.until,
    )


def gaps_of(good: Sequence[datetime], now: datetime) -> list[tuple[datetime, float]]:
    """Seconds from each good backup to the one after it, and from the last one until now (not until the axis ends)."""
    # Whole minutes: people who look at the same page share one drawing.
    last = max(now.replace(second=0, microsecond=0), *good[-1:]) if good else now
    return [(later, (later - earlier).total_seconds()) for earlier, later in pairwise([*good, last])]


def lag_of(points: Sequence[tuple[datetime, float]], allowed_s: float, since: datetime, until: datetime) -> Chart:
    """How far a standby was behind."""
    return durations_svg(
        points, title=_("Seconds behind"), column=_("Behind"), allowed_s=allowed_s, since=since, until=until
    )


def _tone(state: str) -> str:
    return TONES.get(str(state), "unknown")


def _backup_words(state: str, size_bytes: int, error: str) -> str:
    words = str(BackupState(state).label)
    if size_bytes:
        words += f", {bytes_text(size_bytes)}"
    return words + (f": {error[:120]}" if error else "")
