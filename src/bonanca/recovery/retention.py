"""Which backups stay and which go: a pure decision over what is there. Nothing is removed here.

Other kinds of backups that need older ones (a chain of increments, a base for write-ahead log) say so with `needed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.catalog.spec import RetentionSpec


@dataclass(frozen=True)
class Candidate:
    """A backup that could go. `intact`: a copy is believed good. `locked_until`: the latest of its copies."""

    id: UUID
    taken_at: datetime
    verified: bool
    intact: bool
    size_bytes: int = 0
    locked_until: datetime | None = None
    copying: bool = False


@dataclass(frozen=True)
class Reason:
    """Why a backup stays; `detail` says which day, week, month, year or time it stands for."""

    code: str
    detail: str = ""

    @property
    def text(self) -> str:
        """In the reader's language."""
        words = {
            "last": _("one of the newest"),
            "daily": _("newest of the day %(which)s"),
            "weekly": _("newest of the week %(which)s"),
            "monthly": _("newest of the month %(which)s"),
            "yearly": _("newest of the year %(which)s"),
            "proof": _("the last one that was restored for proof"),
            "good": _("the last good one"),
            "none_good": _("no backup is known to be good"),
            "locked": _("a place keeps it locked until %(which)s"),
            "copying": _("a copy of it is being made"),
            "needed": "%(which)s",
        }
        return words[self.code] % {"which": self.detail}


@dataclass(frozen=True)
class Decision:
    """One backup with why it stays; without a reason it goes."""

    candidate: Candidate
    reasons: tuple[Reason, ...]

    @property
    def stays(self) -> bool:
        return bool(self.reasons)


Needs = Callable[[str], Mapping[UUID, str]]
_NEEDS: list[Needs] = []


def needed(function: Needs) -> Needs:
    """Register a function from a service to the backups that something needs, with why (in the reader's language)."""
    _NEEDS.append(function)
    return function


def needed_of(service: str) -> dict[UUID, str]:
    """What anything needs of a service's backups."""
    return {backup_id: why for needs in _NEEDS for backup_id, why in needs(service).items()}


def decide(
    candidates: Iterable[Candidate], policy: RetentionSpec, *, now: datetime, needed: Mapping[UUID, str]
) -> tuple[Decision, ...]:
    """Decide about each, newest first.

    Only intact backups stand for a day, week, month or year: a damaged one must not push a good one out. The last one
    that was restored for proof and the last good one always stay; while none is good, all stay.
    """
    ordered = sorted(candidates, key=lambda c: (c.taken_at, c.id), reverse=True)
    good = [c for c in ordered if c.intact]
    reasons: dict[UUID, list[Reason]] = {c.id: [] for c in ordered}
    for candidate in good[: policy.last]:
        reasons[candidate.id].append(Reason("last"))
    for code, count, form in (
        ("daily", policy.daily, "%Y-%m-%d"),
        ("weekly", policy.weekly, "%G-W%V"),
        ("monthly", policy.monthly, "%Y-%m"),
        ("yearly", policy.yearly, "%Y"),
    ):
        for which, candidate in _newest_of_each(good, form, count):
            reasons[candidate.id].append(Reason(code, which))
    for candidate in [c for c in good if c.verified][:1]:
        reasons[candidate.id].append(Reason("proof"))
    for candidate in good[:1]:
        reasons[candidate.id].append(Reason("good"))
    for candidate in ordered:
        reasons[candidate.id] += _held(candidate, bool(good), now, needed)
    return tuple(Decision(c, tuple(reasons[c.id])) for c in ordered)


def _newest_of_each(ordered: Sequence[Candidate], form: str, count: int) -> list[tuple[str, Candidate]]:
    found: dict[str, Candidate] = {}
    for candidate in ordered:
        which = candidate.taken_at.astimezone(UTC).strftime(form)
        if which not in found and len(found) == count:
            break
        found.setdefault(which, candidate)
    return list(found.items())


def _held(candidate: Candidate, any_good: bool, now: datetime, needed: Mapping[UUID, str]) -> list[Reason]:
    held = []
    if not any_good:
        held.append(Reason("none_good"))
    if candidate.locked_until is not None and candidate.locked_until > now:
        held.append(Reason("locked", f"{candidate.locked_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"))
    if candidate.copying:
        held.append(Reason("copying"))
    if candidate.id in needed:
        held.append(Reason("needed", needed[candidate.id]))
    return held
