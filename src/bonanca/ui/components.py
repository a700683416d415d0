"""What components show, computed from values of any room: severities, states, steps. No markup here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bonanca.ui.formats import clock_text, duration_text, percent_text

TONES = ("burning", "risk", "calm", "unknown", "accent")

_SEVERITY_TONE = {"critical": "burning", "high": "burning", "medium": "risk", "low": "unknown"}
_SEVERITY_SHORT = {"critical": "SEV1", "high": "SEV2", "medium": "SEV3", "low": "SEV4"}

# States of the rooms, by their meaning to somebody who is on call. A room with other words passes `tone` itself.
_STATE_TONE = {
    "burning": (
        "failed firing triggered open opened detected freeze frozen down burning major_outage bounced missed "
        "overdue lost damaged given_up"
    ),
    "risk": (
        "acknowledged contained investigating identified warning caution degraded degraded_performance "
        "partial_outage unknown_delivery waiting expired blocked at_risk unverified late maintenance "
        "under_maintenance scheduled paused"
    ),
    "calm": (
        "done succeeded resolved closed mitigated normal healthy deployed delivered verified operational sent "
        "passed published applied active running_well completed ok up"
    ),
    "accent": "running deploying queued sending copying approved in_progress monitoring draft proposed",
}
_TONE_OF_STATE = {state: tone for tone, states in _STATE_TONE.items() for state in states.split()}


@dataclass(frozen=True)
class SeverityBadge:
    """SEV1 and its word; only what burns most is filled."""

    short: str
    word: str
    tone: str
    solid: bool


def severity_badge(severity: str) -> SeverityBadge:
    """Return how a severity (critical, high, medium, low) is shown."""
    words = {
        "critical": pgettext("severity", "critical"),
        "high": pgettext("severity", "high"),
        "medium": pgettext("severity", "medium"),
        "low": pgettext("severity", "low"),
    }
    value = str(severity)
    return SeverityBadge(
        short=_SEVERITY_SHORT.get(value, "SEV?"),
        word=words.get(value, value),
        tone=_SEVERITY_TONE.get(value, "unknown"),
        solid=value == "critical",
    )


def tone_of(state: str) -> str:
    """Return the meaning of a state's value; 'unknown' for one that nobody has told us about."""
    return _TONE_OF_STATE.get(str(state).lower(), "unknown")


def checked_tone(tone: str) -> str:
    """Return the tone, or raise ValueError: a misspelt one would silently lose its shape and colour."""
    if tone and tone not in TONES:
        raise ValueError(f"tone {tone!r}: expected one of {', '.join(TONES)}")
    return tone


@dataclass(frozen=True)
class StepRow:
    """One line of a plan: before it runs, while it runs and after it ran."""

    key: str
    title: str
    state: str
    word: str
    time: str
    detail: str
    error: str
    percent: int | None


def _progress(value: Any) -> tuple[float | None, str]:
    if value is None:
        return None, ""
    if isinstance(value, Mapping):
        return value.get("fraction"), str(value.get("text") or "")
    if isinstance(value, tuple | list) and len(value) == 2:
        return value[0], str(value[1] or "")
    if isinstance(value, int | float):
        return float(value), ""
    return getattr(value, "fraction", None), str(getattr(value, "text", "") or "")


def _step_time(state: str, started: datetime | None, finished: datetime | None, expected: Any, now: datetime) -> str:
    about = f"≈ {duration_text(float(expected))}" if expected else ""
    if state in ("done", "failed") and started and finished:
        return duration_text((finished - started).total_seconds())
    if state in ("running", "waiting") and started:
        elapsed = duration_text(max(0.0, round((now - started).total_seconds())))
        return f"{elapsed} / {about}" if about else elapsed
    return about if state in ("pending", "running", "waiting") else ""


def step_row(step: Any, now: datetime) -> StepRow:
    """Return a step (durable's StepView, or a StepSpec in a preview) as its line."""
    words = {
        "pending": pgettext("step", "pending"),
        "running": pgettext("step", "running"),
        "waiting": pgettext("step", "waiting for a person"),
        "done": pgettext("step", "done"),
        "failed": pgettext("step", "failed"),
        "skipped": pgettext("step", "skipped"),
    }
    state = str(getattr(step, "state", None) or "pending")
    fraction, text = _progress(getattr(step, "progress", None))
    attempts = getattr(step, "attempts", 0) or 0
    if state != "running":
        fraction, text = None, ""
    if state == "skipped":
        text = str(getattr(step, "skip_reason", "") or "")
    elif attempts > 1 and not text:
        text = _("attempt %(number)s") % {"number": attempts}
    return StepRow(
        key=str(getattr(step, "key", "")),
        # The title is stored as an English message id, so that everybody reads it in their own language.
        title=_(str(getattr(step, "title", "") or getattr(step, "key", ""))),
        state=state if state in words else "pending",
        word=words.get(state, state),
        time=_step_time(
            state,
            getattr(step, "started_at", None),
            getattr(step, "finished_at", None),
            getattr(step, "expected_s", None),
            now,
        ),
        detail=text,
        error=str(getattr(step, "error", None) or ""),
        percent=None if fraction is None else max(0, min(100, round(fraction * 100))),
    )


@dataclass(frozen=True)
class MeterView:
    """A share of 100 as a bar; the text beside it may exceed the bar (a budget can be overspent)."""

    width: float
    now: float
    text: str
    label: str
    tone: str
    word: str


def meter_view(value: float | None, label: str, tone: str, word: str, decimals: int) -> MeterView:
    """Return how a percentage is drawn. None is unknown: an empty bar that says so."""
    if value is None:
        return MeterView(0, 0, pgettext("meter", "unknown"), label, "unknown", word)
    width = max(0.0, min(100.0, float(value)))
    return MeterView(round(width, 2), round(width, 2), percent_text(float(value), decimals), label, tone, word)


def row_clock(at: datetime) -> str:
    """Return a timeline row's time of day."""
    return clock_text(at)
