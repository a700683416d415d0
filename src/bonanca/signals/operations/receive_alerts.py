"""Take alerts that others send (requirement Y4): what is answered with success is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.signals.alertmanager import RESOLVE_TIMEOUT, PostedAlert
from bonanca.signals.labels import fingerprint, service_of, severity_of, summary_of
from bonanca.signals.models import Alert
from bonanca.signals.operations.fire_alerts import NewAlert, fire_alerts
from bonanca.signals.operations.resolve_alert import resolve_alert
from bonanca.signals.state import AlertState, Door


@dataclass(frozen=True)
class Received:
    """What a batch did: alerts begun, repeated, ended, and endings of what was not burning."""

    fired: int
    repeated: int
    resolved: int
    ignored: int


@transaction.atomic
def receive_alerts(
    alerts: Sequence[PostedAlert], *, actor: Actor | None, now: datetime, door: str = Door.ALERTMANAGER
) -> Received:
    """Begin, repeat or end the alerts of one batch, all or nothing.

    The same fingerprint again repeats the alert that is firing; an end in the past resolves it. Without an end it
    resolves by itself `RESOLVE_TIMEOUT` after the last time it was sent.

    Raises:
        NotAllowed: nobody is signed in.
    """
    actor = require(actor, Permission.READ)
    # A batch may name one alert twice: the last word counts, as in Alertmanager.
    posted = {fingerprint(alert.labels): alert for alert in alerts}
    firing = {
        row.fingerprint: row
        for row in Alert.objects.select_for_update()
        .filter(fingerprint__in=list(posted), state=AlertState.FIRING)
        .order_by("fingerprint")
    }
    new: list[NewAlert] = []
    repeated: list[Alert] = []
    resolved = ignored = 0
    for print_, alert in posted.items():
        row = firing.get(print_)
        over = alert.ends_at is not None and alert.ends_at <= now
        if row is None and over:
            ignored += 1
        elif row is None:
            new.append(_new(print_, alert, door=door, now=now))
        elif over:
            assert alert.ends_at is not None
            ends_at = max(alert.ends_at, row.starts_at)
            resolved += resolve_alert(row.id, reason="sender", ends_at=ends_at, actor=actor, now=now)
        else:
            repeated.append(_repeat(row, alert, now=now))
    Alert.objects.bulk_update(
        repeated, ["annotations", "summary", "starts_at", "expires_at", "seen_at", "generator_url"], batch_size=500
    )
    fired = len(fire_alerts(new, actor=actor, now=now))
    return Received(fired, len(repeated) + len(new) - fired, resolved, ignored)


def _new(print_: str, alert: PostedAlert, *, door: str, now: datetime) -> NewAlert:
    return NewAlert(
        fingerprint=print_,
        door=door,
        service=service_of(alert.labels),
        slo=alert.labels.get("slo", "")[:100],
        severity=severity_of(alert.labels),
        summary=summary_of(alert.labels, alert.annotations),
        # A sender whose clock is ahead of ours must not open an incident in the future.
        starts_at=min(alert.starts_at or now, now),
        labels=alert.labels,
        annotations=alert.annotations,
        expires_at=alert.ends_at or now + RESOLVE_TIMEOUT,
        generator_url=alert.generator_url,
    )


def _repeat(row: Alert, alert: PostedAlert, *, now: datetime) -> Alert:
    row.seen_at = now
    if row.door in (Door.SLO, Door.READINESS):
        # Our own measurement says more than its echo through another door, and ends by its own rules.
        return row
    row.annotations = dict(alert.annotations)
    row.summary = summary_of(alert.labels, alert.annotations)
    row.starts_at = min(row.starts_at, alert.starts_at or row.starts_at)
    row.expires_at = alert.ends_at or now + RESOLVE_TIMEOUT
    row.generator_url = alert.generator_url
    return row
