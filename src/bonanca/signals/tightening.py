"""The burn-rate rules of a service, asked with tighter thresholds than usual (requirement T9). Nothing is kept here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bonanca.signals.burn import BurnRule, Count, judge
from bonanca.signals.measurements import gaps_between, health_of, window_counts
from bonanca.signals.objectives import CounterSource, Objective, objectives_of
from bonanca.signals.views import TightenedView

SHORTEST_S = 2
GAP_MARGIN = timedelta(seconds=1)


def tightened(
    service: str, *, tighten: float, shorten: float, since: datetime, at: datetime, live: bool = True
) -> tuple[TightenedView, ...]:
    """Judge each rule of each objective at a moment: burn rates times `tighten`, windows times `shorten`.

    Only what happened from `since` on counts: what burned before is over. `live` says that the moment is now, so that
    the health of the source decides whether it can be believed; else the recorded gaps do.

    Raises:
        NotFound: the catalog has no such service.
    """
    return tuple(
        view for one in objectives_of(service) for view in _of_objective(one, tighten, shorten, since, at, live=live)
    )


def _of_objective(
    one: Objective, tighten: float, shorten: float, since: datetime, at: datetime, *, live: bool
) -> list[TightenedView]:
    if one.source is None:
        return []
    known = health_of(one.source, at).known if live else not gaps_between(one.source, at - GAP_MARGIN, at + GAP_MARGIN)
    rules = [_tighter(rule, tighten, shorten) for rule in one.rules]
    counts = _counts(one.source, rules, since, at)
    found = []
    for usual, rule in zip(one.rules, rules, strict=True):
        verdict = judge(rule, one.target, counts)
        found.append(
            TightenedView(
                slo=one.slug,
                name=one.name,
                severity=rule.severity,
                threshold=rule.burn_rate,
                usual=usual.burn_rate,
                long_s=rule.long_s,
                short_s=rule.short_s,
                long_burn=verdict.long_burn,
                short_burn=verdict.short_burn,
                bad=verdict.long.bad,
                total=verdict.long.total,
                known=known,
                firing=known and verdict.firing,
            )
        )
    return found


def _tighter(rule: BurnRule, tighten: float, shorten: float) -> BurnRule:
    short_s = max(SHORTEST_S, round(rule.short_s * shorten))
    return replace(
        rule, burn_rate=rule.burn_rate * tighten, short_s=short_s, long_s=max(2 * short_s, round(rule.long_s * shorten))
    )


def _counts(source: CounterSource, rules: list[BurnRule], since: datetime, at: datetime) -> dict[int, Count]:
    """The windows of the rules, cut where the watch began."""
    age_s = max(1, int((at - since).total_seconds()))
    windows = {seconds for rule in rules for seconds in rule.windows_s}
    counts = window_counts(source, sorted({min(seconds, age_s) for seconds in windows}), at)
    return {seconds: counts[min(seconds, age_s)] for seconds in windows}
