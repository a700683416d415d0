"""What one look at a watched service means: a minute of its record, its end, or that it came back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.looking import GAP, Look
from bonanca.aftercare.models import Watch, WatchSample
from bonanca.aftercare.operations.finish_watch import finish_watch
from bonanca.aftercare.operations.start_watch import SETTLE
from bonanca.aftercare.state import FindingKind, WatchState
from bonanca.aftercare.views import Finding
from bonanca.catalog.queries import get_service
from bonanca.signals.operations.fire_alerts import NewAlert, fire_alerts
from bonanca.signals.operations.resolve_alert import resolve_alert
from bonanca.signals.queries import fingerprint, impact
from bonanca.signals.state import Door
from bonanca.ui.phrases import Phrase

ALERT_NAME = "ReinforcedWatch"
CAME_BACK = gettext_noop("%(service)s, watched closer: %(what)s")
STAYED_CALM = gettext_noop("nothing came back: %(failed)s of %(requests)s requests failed, %(checks)s checks asked")
CALM_UNSEEN = gettext_noop(
    "nothing was seen to come back: %(failed)s of %(requests)s requests failed, %(checks)s checks asked;"
    " nobody could look for %(unseen_s)s"
)
MINUTE = timedelta(seconds=60)
# What was counted a moment ago may still be read.
LAG = timedelta(seconds=2)
# An alert of a watch is over when nothing was found for so long.
QUIET = timedelta(minutes=5)
# A watch whose time is over waits so long for counters that cannot be read.
PATIENCE = timedelta(minutes=10)
# Less than this was not seen in any watch: a restart of a worker.
WORTH_TELLING_S = 300
WORST = ("critical", "high", "medium", "low")


@transaction.atomic
def record_look(watch_id: UUID, look: Look) -> None:
    """Record a look; a watch that somebody ended meanwhile stays as it is."""
    row = Watch.objects.select_for_update().get(id=watch_id)
    now = look.at
    if row.state != WatchState.WATCHING:
        _follow_alert(row, look)
        return
    last = row.looked_at or row.started_at
    returning = now - last > GAP
    if returning or look.known is False:
        row.unseen_s += (now - last).total_seconds()
    row.looked_at = now
    if look.known is not False:
        row.judged_at = now
    if look.held:
        row.counts_from = max(row.counts_from, now + SETTLE) if now > row.counts_from else row.counts_from
    if look.asked is not None:
        row.checked_at, row.failing = now, look.failing
        row.checks += len(look.asked)
    if look.share is not None:
        row.worst_share = max(row.worst_share, look.share)
    if look.asked is not None or look.findings or now - row.sampled_until >= MINUTE or now >= row.until:
        _sample(row, look)
    row.save()
    if look.findings:
        _came_back(row, look)
    elif now >= row.until and not look.held and _seen_enough(row, look, returning=returning):
        finish_watch(row.id, WatchState.CALM, words=_calm(row), actor=SYSTEM("aftercare"), now=now)


def _seen_enough(row: Watch, look: Look, *, returning: bool) -> bool:
    """Right after a worker came back the counters of its absence are still to be read."""
    if look.known is None or (look.known and not returning):
        return True
    return not returning and look.at - row.until > PATIENCE


def _sample(row: Watch, look: Look) -> None:
    # Whole seconds that are certainly counted, so that no request is in two minutes.
    until = max(row.sampled_until, (look.at - LAG).replace(microsecond=0))
    seen = impact(row.service, row.sampled_until, until) if until > row.sampled_until else None
    requests, failed = (seen.total, seen.failed) if seen else (0, 0)
    failing = [
        {"name": verdict.name, "where": verdict.where, "found": verdict.found[:200]}
        for verdict in look.asked or ()
        if not verdict.passed
    ]
    WatchSample.objects.get_or_create(
        watch=row,
        at=look.at,
        defaults={
            "requests": requests,
            "failed": failed,
            "share": look.share,
            "checks": len(look.asked or ()),
            "failing": failing,
            "held": look.held,
        },
    )
    row.requests += requests
    row.failed += failed
    row.sampled_until = until


def _calm(row: Watch) -> Phrase:
    facts: dict[str, Any] = {"failed": row.failed, "requests": row.requests, "checks": row.checks}
    if row.unseen_s >= WORTH_TELLING_S:
        return Phrase(CALM_UNSEEN, facts | {"unseen_s": round(row.unseen_s)})
    return Phrase(STAYED_CALM, facts)


def _came_back(row: Watch, look: Look) -> None:
    first = min(look.findings, key=lambda one: (one.kind == FindingKind.ALERT, WORST.index(one.severity)))
    actor, now = SYSTEM("aftercare"), look.at
    ours = [one for one in look.findings if one.kind != FindingKind.ALERT]
    # Another alert has opened an incident and woken somebody: a second one would say the same.
    alert_id = _fire(row, look, first) if ours else UUID(str(first.facts["alert"]))
    finish_watch(
        row.id,
        WatchState.RETURNED,
        words=first.phrase,
        findings=[_json(one) for one in look.findings],
        alert_id=alert_id,
        alert_open=bool(ours),
        actor=actor,
        now=now,
    )


def _json(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "kind": str(finding.kind), "at": finding.at.isoformat()}


def _fire(row: Watch, look: Look, first: Finding) -> UUID | None:
    severity = min((one.severity for one in look.findings), key=WORST.index)
    labels = {"alertname": ALERT_NAME, "service": row.service, "severity": severity, "watch": str(row.id)}
    fired = fire_alerts(
        [
            NewAlert(
                fingerprint=fingerprint(labels),
                door=Door.WATCH,
                service=row.service,
                severity=severity,
                summary=Phrase(CAME_BACK, {"service": get_service(row.service).name, "what": first.phrase}),
                starts_at=min(one.at for one in look.findings),
                labels=labels,
                evidence={
                    "findings": [{**_json(one), "words": one.words} for one in look.findings],
                    "rules": list(look.figures),
                    "watch": str(row.id),
                    "watched_since": row.started_at.isoformat(),
                },
            )
        ],
        actor=SYSTEM("aftercare"),
        now=look.at,
    )
    return fired[0] if fired else None


def _follow_alert(row: Watch, look: Look) -> None:
    """The alert of a watch that found something burns until nothing is found for a while."""
    if not row.alert_open or row.alert_id is None:
        return
    ours = [one for one in look.findings if one.kind != FindingKind.ALERT]
    if ours or look.held:
        row.found_at = look.at
    elif look.known is not False and look.at - _last_found(row) >= QUIET:
        resolve_alert(row.alert_id, reason="recovered", ends_at=look.at, actor=SYSTEM("aftercare"), now=look.at)
        row.alert_open = False
    row.looked_at = look.at
    row.save(update_fields=["found_at", "alert_open", "looked_at"])


def _last_found(row: Watch) -> datetime:
    return row.found_at or row.ended_at or row.started_at
