"""One look at a service that is watched closer: counters, checks from outside, what else does not hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils.translation import gettext_noop

from bonanca.aftercare.state import FindingKind
from bonanca.aftercare.views import Finding, WatchView
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView, VerifySpec
from bonanca.durable.queries import unfinished_of
from bonanca.kernel.errors import Unavailable
from bonanca.response.queries import replicas
from bonanca.response.state import PlanKind
from bonanca.response.verification import Verdict, ask
from bonanca.running.state import ReplicaState
from bonanca.signals.queries import alerts_between, impact, tightened
from bonanca.signals.state import Door
from bonanca.signals.views import TightenedView

BURNS = gettext_noop(
    "%(name)s: the budget burns %(burn)s times too fast, the watch tolerates %(threshold)s (usually %(usual)s)"
)
FAILS = gettext_noop("The check %(name)s failed %(times)s times in a row: %(found)s")
STAYS_AWAY = gettext_noop("%(got)s requests in %(span_s)s, usual at this time are %(usual)s")
REPLICA_FAILS = gettext_noop("The replica %(replica)s does not stay up: %(error)s")
FIRES = gettext_noop("An alert fires: %(summary)s")

CHECK_EVERY = timedelta(seconds=60)
# Longer than this between two looks: nobody was looking.
GAP = timedelta(seconds=90)
# Moments of an unwatched stretch that are judged afterwards, at most.
AFTERWARDS = 60
TRAFFIC_SPAN = timedelta(minutes=10)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
# With fewer usual requests in the span, a quiet one says nothing.
TRAFFIC_LEAST = 60
# While such a plan is at work the service is stopped, restarted or closed on purpose.
AT_WORK = frozenset({*PlanKind.values, "restore", "promotion"})


# One check at one place.
Question = Callable[[], tuple[Verdict, ...]]


@dataclass(frozen=True)
class Look:
    """What one look saw. `known` None: nothing of the service is counted; `asked` None: no check was due."""

    at: datetime
    held: bool
    known: bool | None
    share: float | None
    asked: tuple[Verdict, ...] | None
    failing: dict[str, int]
    findings: tuple[Finding, ...]
    figures: tuple[dict[str, Any], ...] = ()


def to_ask(watch: WatchView, now: datetime) -> list[Question]:
    """The quick checks that are due, each at one place; programs such as test suites are not run every minute.

    Questions need the network and nothing of ours, so that many can be asked at once.

    Raises:
        NotFound: the catalog has no such service any more.
    """
    service = get_service(watch.service)
    quick = [check for check in service.verify if not check.command]
    if not quick or not _due(watch, now) or _held(watch, now):
        return []
    bases = tuple(replica.url for replica in service.run.replicas) if service.run else ()
    places = [(check, (base,)) for check in quick for base in (bases if check.http is not None else ("",))]
    return [partial(_ask, check, place, service) for check, place in places]


def _ask(check: VerifySpec, place: tuple[str, ...], service: ServiceView) -> tuple[Verdict, ...]:
    try:
        dsn = service.database.dsn() if service.database and check.sql else None
    except Unavailable as unread:
        return (Verdict(check.name, "sql", False, unread.message, error=True),)
    return ask(check, replicas=place, dsn=dsn)


def look_at(watch: WatchView, now: datetime, asked: tuple[Verdict, ...] | None) -> Look:
    """Look at the service as it is now, and at what was counted while nobody looked; `asked`: what checks said.

    Raises:
        NotFound: the catalog has no such service any more.
    """
    get_service(watch.service)
    if _held(watch, now):
        return Look(now, True, None, None, None, {}, ())
    verdicts = _judged(watch, now)
    failing = _failing(watch, asked)
    findings = [
        *_burning(verdicts, watch, now),
        *_missed(watch, now),
        *_failed_checks(watch, asked, failing, now),
        *_elsewhere(watch, now),
    ]
    known = all(one.known for one in verdicts) if verdicts else None
    return Look(
        at=now,
        held=False,
        known=known,
        share=max((one.share_of_threshold for one in verdicts), default=0.0) if known else None,
        asked=asked,
        failing=failing,
        findings=tuple(findings),
        figures=tuple(asdict(one) for one in verdicts),
    )


def plan_at_work(service: str) -> bool:
    """Whether a plan stops, restarts or closes the service on purpose."""
    return any(run.kind.removesuffix(".undo") in AT_WORK for run in unfinished_of(f"service:{service}"))


def _held(watch: WatchView, now: datetime) -> bool:
    return plan_at_work(watch.service) or now <= watch.counts_from


def _judged(watch: WatchView, at: datetime, *, live: bool = True) -> tuple[TightenedView, ...]:
    return tightened(
        watch.service, tighten=watch.tighten, shorten=watch.shorten, since=watch.counts_from, at=at, live=live
    )


def _burning(verdicts: Sequence[TightenedView], watch: WatchView, at: datetime) -> list[Finding]:
    found = []
    for one in verdicts:
        if one.firing:
            facts = {
                "name": one.name,
                "burn": round(min(one.long_burn, one.short_burn), 1),
                "threshold": round(one.threshold, 2),
                "usual": round(one.usual, 2),
            }
            found.append(Finding(FindingKind.BURN, _worst(one.severity, watch.severity), BURNS, facts, at))
    return found


def _missed(watch: WatchView, now: datetime) -> list[Finding]:
    """The first moment of a stretch in which nobody looked at which a rule would have fired."""
    last = max(watch.judged_at or watch.started_at, watch.counts_from)
    end = min(now, watch.until)
    if end - last <= GAP:
        return []
    count = min(AFTERWARDS, int((end - last) / CHECK_EVERY))
    for number in range(1, count):
        at = last + (end - last) * number / count
        found = _burning(_judged(watch, at, live=False), watch, at)
        if found:
            return found
    return []


def _due(watch: WatchView, now: datetime) -> bool:
    return watch.is_on and (watch.checked_at is None or now - watch.checked_at >= CHECK_EVERY)


def _failing(watch: WatchView, asked: Sequence[Verdict] | None) -> dict[str, int]:
    if asked is None:
        return watch.failing
    names = {_named(verdict) for verdict in asked if not verdict.passed}
    return {name: watch.failing.get(name, 0) + 1 for name in sorted(names)}


def _named(verdict: Verdict) -> str:
    return f"{verdict.name} ({verdict.where})"


def _failed_checks(
    watch: WatchView, asked: Sequence[Verdict] | None, failing: dict[str, int], now: datetime
) -> list[Finding]:
    found = []
    for verdict in asked or ():
        times = failing.get(_named(verdict), 0)
        if not verdict.passed and times >= watch.failures:
            facts = {"name": _named(verdict), "times": times, "found": verdict.found[:200]}
            found.append(Finding(FindingKind.CHECK, watch.severity, FAILS, facts, now))
    return found


def _elsewhere(watch: WatchView, now: datetime) -> list[Finding]:
    found = []
    for alert in alerts_between(watch.service, watch.counts_from, now):
        quiet = alert.door in (Door.READINESS, Door.WATCH)
        if not quiet and watch.counts_from <= alert.detected_at and alert.ends_at is None:
            facts = {"summary": alert.summary_phrase or alert.summary, "alert": str(alert.id)}
            found.append(Finding(FindingKind.ALERT, alert.severity, FIRES, facts, alert.detected_at))
    for replica in replicas(service=watch.service):
        if replica.state in (ReplicaState.FAILING, ReplicaState.GIVEN_UP):
            facts = {"replica": replica.name, "error": replica.error[:200]}
            found.append(Finding(FindingKind.REPLICA, watch.severity, REPLICA_FAILS, facts, now))
    # Once a minute is enough for what is counted in tens of minutes.
    return [*found, *(_traffic(watch, now) if now - watch.sampled_until >= CHECK_EVERY else ())]


def _traffic(watch: WatchView, now: datetime) -> list[Finding]:
    """Requests stay away: far fewer than at this time a day and a week before, whichever were counted."""
    if not watch.traffic_percent or now - watch.counts_from < TRAFFIC_SPAN:
        return []
    before = [impact(watch.service, now - age - TRAFFIC_SPAN, now - age).total for age in (DAY, WEEK)]
    usual = min((total for total in before if total >= TRAFFIC_LEAST), default=0)
    got = impact(watch.service, now - TRAFFIC_SPAN, now).total if usual else 0
    if not usual or got >= usual * watch.traffic_percent / 100:
        return []
    facts = {"got": got, "usual": usual, "span_s": TRAFFIC_SPAN.total_seconds()}
    return [Finding(FindingKind.TRAFFIC, watch.severity, STAYS_AWAY, facts, now)]


def _worst(one: str, other: str) -> str:
    order = ("critical", "high", "medium", "low")
    return min(one, other, key=order.index)
