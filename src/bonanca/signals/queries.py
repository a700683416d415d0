"""What this room knows, as frozen values (requirements Y4, C14). Times are aware; every `now` is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from bonanca.kernel.errors import NotFound
from bonanca.signals.budgets import BudgetPolicy, budget_of, charged_percent
from bonanca.signals.burn import Bucket, Count, allowed_ratio
from bonanca.signals.labels import fingerprint as fingerprint
from bonanca.signals.measurements import (
    FAILURES_UNTIL_UNKNOWN,
    STALE_AFTER,
    buckets_between,
    gaps_between,
    health_of,
    window_counts,
)
from bonanca.signals.models import Alert, SliSource
from bonanca.signals.objectives import Objective, all_objectives, get_objective, objectives_of, source_of
from bonanca.signals.state import AlertState, DeployStatus, Door, Health, Severity
from bonanca.signals.tightening import tightened as tightened
from bonanca.signals.views import (
    AlertView,
    BudgetView,
    DeployStatusView,
    ImpactView,
    NowView,
    Point,
    SourceView,
)
from bonanca.ui.phrases import read

NOW_WINDOW_S = 10
_WORST_LAST = [DeployStatus.NORMAL, DeployStatus.CAUTION, DeployStatus.WARNING, DeployStatus.FREEZE]


def policy() -> BudgetPolicy:
    """The budget policy of this installation (setting BUDGET_POLICY: caution, warning, freeze in percent spent)."""
    return BudgetPolicy.parse(getattr(settings, "BUDGET_POLICY", ""))


def objectives(service: str | None = None) -> tuple[Objective, ...]:
    """The declared objectives, of one service or of all.

    Raises:
        NotFound: the catalog has no such service.
    """
    return all_objectives() if service is None else objectives_of(service)


def budget(slo_slug: str, now: datetime) -> BudgetView:
    """The error budget of one objective.

    Raises:
        NotFound: no service declares it.
    """
    return _budget(get_objective(slo_slug), now)


def budgets(now: datetime, service: str | None = None) -> tuple[BudgetView, ...]:
    """The error budgets of all objectives, or of one service's.

    Raises:
        NotFound: the catalog has no such service.
    """
    return tuple(_budget(one, now) for one in objectives(service))


def deploy_status(service: str, now: datetime) -> DeployStatusView:
    """What the error budgets of a service allow: its worst objective decides (requirement C14).

    Raises:
        NotFound: the catalog has no such service.
    """
    known = budgets(now, service)
    if not known:
        return DeployStatusView(service, DeployStatus.NORMAL, 0.0, measured=False)
    worst = max(known, key=lambda one: (_WORST_LAST.index(DeployStatus(one.status)), one.spent_percent))
    return DeployStatusView(service, worst.status, worst.spent_percent, worst.measured, worst.slo)


def budget_spent_by(service: str, since: datetime, until: datetime) -> float | None:
    """Percent of the error budget that the failures of [since, until) cost, over the window that ends at `until`.

    Of several objectives the most expensive counts. None without an objective that we measure.

    Raises:
        NotFound: the catalog has no such service.
    """
    charges = []
    for one in objectives_of(service):
        if one.source is None:
            continue
        bad = sum(bucket.bad for bucket in buckets_between(one.source, since, until))
        charges.append(charged_percent(bad, window_counts(one.source, [one.window_s], until)[one.window_s], one.target))
    return max(charges, default=None)


def impact(service: str, since: datetime, until: datetime) -> ImpactView:
    """What a service's users saw in [since, until).

    Raises:
        NotFound: the catalog has no such service.
    """
    source = source_of(service)
    found = buckets_between(source, since, until) if source else []
    bad = [bucket for bucket in found if bucket.bad]
    total = sum(bucket.total for bucket in found)
    failed = sum(bucket.bad for bucket in bad)
    return ImpactView(
        service=service,
        total=total,
        failed=failed,
        contained=sum(bucket.contained for bucket in bad),
        first_bad_at=bad[0].at if bad else None,
        last_bad_at=bad[-1].at + timedelta(seconds=bad[-1].width_s) if bad else None,
        failed_ratio=failed / total if total else 0.0,
    )


def series(service: str, since: datetime, until: datetime, max_points: int = 240) -> tuple[Point, ...]:
    """Error ratio and request rate of a service over [since, until), in at most `max_points` equal steps.

    Raises:
        NotFound: the catalog has no such service.
    """
    source = source_of(service)
    length_s = (until - since).total_seconds()
    if source is None or length_s <= 0:
        return ()
    found = buckets_between(source, since, until)
    widest = max((bucket.width_s for bucket in found), default=1)
    step_s = max(float(widest), -(-length_s // max_points), 1.0)
    step = timedelta(seconds=step_s)
    start = datetime.fromtimestamp(since.timestamp() // step_s * step_s, tz=since.tzinfo)
    steps: dict[int, list[Bucket]] = {}
    for bucket in found:
        steps.setdefault(int((bucket.at - start) // step), []).append(bucket)
    gaps = _unwatched(source.gateway, gaps_between(source, start, until), start, until)
    count = -int(-((until - start).total_seconds()) // step_s)
    return tuple(_point(start + index * step, step_s, steps.get(index, ()), gaps) for index in range(count))


def current(service: str, now: datetime) -> NowView:
    """A service at this moment: error ratio and requests per second of the last seconds, and one word.

    Raises:
        NotFound: the catalog has no such service.
    """
    # A backup that is late says nothing about how the service answers now.
    firing = Alert.objects.filter(service=service, state=AlertState.FIRING).exclude(door=Door.READINESS)
    severities = set(firing.values_list("severity", flat=True))
    source = source_of(service)
    health = health_of(source, now)
    if source is None or not health.known:
        burning = bool(severities & {Severity.CRITICAL, Severity.HIGH})
        return NowView(service, Health.BURNING if burning else Health.UNKNOWN, None, None, health.error)
    count = window_counts(source, [NOW_WINDOW_S], now)[NOW_WINDOW_S]
    state = Health.CALM
    if severities & {Severity.CRITICAL, Severity.HIGH} and (_over_target(service, count) or not count.total):
        # An alert outlives its cause by its long window: what answers well again is at risk, and does not burn.
        state = Health.BURNING
    elif (
        severities
        or _over_target(service, count)
        or deploy_status(service, now).status
        in (
            DeployStatus.WARNING,
            DeployStatus.FREEZE,
        )
    ):
        state = Health.AT_RISK
    return NowView(service, state, count.ratio, count.total / NOW_WINDOW_S)


def alerts(
    *, state: str | None = None, service: str | None = None, limit: int = 200, offset: int = 0
) -> tuple[AlertView, ...]:
    """Alerts, the newest first."""
    rows = Alert.objects.order_by("-detected_at", "-id")
    if state is not None:
        rows = rows.filter(state=state)
    if service is not None:
        rows = rows.filter(service=service)
    return tuple(_alert(row) for row in rows[offset : offset + limit])


def firing_through(door: str) -> tuple[AlertView, ...]:
    """Every alert that burns now and came through this door."""
    return tuple(_alert(row) for row in Alert.objects.filter(door=door, state=AlertState.FIRING))


def get_alert(alert_id: UUID) -> AlertView:
    """One alert.

    Raises:
        NotFound: there is none of that id.
    """
    row = Alert.objects.filter(id=alert_id).first()
    if row is None:
        raise NotFound(_("There is no alert %(id)s.") % {"id": alert_id}, field="alert")
    return _alert(row)


def alerts_between(service: str, since: datetime, until: datetime) -> tuple[AlertView, ...]:
    """Alerts of a service that burned at any time of [since, until), in order of their start."""
    rows = Alert.objects.filter(service=service, starts_at__lt=until).exclude(ends_at__lt=since)
    return tuple(_alert(row) for row in rows.order_by("starts_at"))


def sources(now: datetime) -> tuple[SourceView, ...]:
    """The gateways whose counters are read, and whether that works."""
    return tuple(
        SourceView(
            gateway=row.gateway,
            known=row.scraped_at is not None
            and row.failures < FAILURES_UNTIL_UNKNOWN
            and now - row.scraped_at <= STALE_AFTER,
            scraped_at=row.scraped_at,
            failing_since=row.failing_since,
            failures=row.failures,
            error=row.last_error,
        )
        for row in SliSource.objects.order_by("gateway")
    )


def _budget(one: Objective, now: datetime) -> BudgetView:
    health = health_of(one.source, now)
    count = window_counts(one.source, [one.window_s], now)[one.window_s] if one.source else Count(0, 0)
    figures = budget_of(count, one.target)
    history_s = max(0, int((now - health.since).total_seconds())) if health.since else 0
    return BudgetView(
        slo=one.slug,
        name=one.name,
        service=one.service,
        objective=one.target,
        window_s=one.window_s,
        good=figures.good,
        bad=figures.bad,
        total=figures.total,
        allowed_bad=figures.allowed_bad,
        spent_percent=figures.spent_percent,
        remaining_percent=figures.remaining_percent,
        status=policy().status(figures.spent_percent),
        measured=health.known,
        partial=history_s < one.window_s,
        history_s=min(history_s, one.window_s),
    )


def _over_target(service: str, count: Count) -> bool:
    return any(count.ratio > allowed_ratio(one.target) for one in objectives_of(service))


def _unwatched(
    gateway: str, gaps: list[tuple[datetime, datetime]], start: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    """Recorded gaps, and the time before anybody looked at all."""
    first = SliSource.objects.filter(gateway=gateway).values_list("first_scraped_at", flat=True).first()
    return [(start, min(first, until) if first else until), *gaps]


def _point(at: datetime, width_s: float, found: Sequence[Bucket], gaps: Sequence[tuple[datetime, datetime]]) -> Point:
    total = sum(bucket.total for bucket in found)
    bad = sum(bucket.bad for bucket in found)
    middle = at + timedelta(seconds=width_s / 2)
    watched = bool(total) or not any(begin <= middle < end for begin, end in gaps)
    return Point(
        at=at,
        width_s=width_s,
        error_ratio=bad / total if total else None,
        rps=total / width_s if watched else None,
        good=total - bad,
        bad=bad,
        total=total,
        watched=watched,
    )


def _alert(row: Alert) -> AlertView:
    return AlertView(
        id=row.id,
        fingerprint=row.fingerprint,
        door=row.door,
        service=row.service,
        slo=row.slo,
        severity=row.severity,
        state=row.state,
        summary=read(row.summary, row.summary_phrase),
        summary_phrase=row.summary_phrase,
        starts_at=row.starts_at,
        detected_at=row.detected_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        ends_at=row.ends_at,
        generator_url=row.generator_url,
        labels=row.labels,
        annotations=row.annotations,
        evidence=row.evidence,
    )
