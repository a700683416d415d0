"""Begin alerts: the row, its history and the event in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.kernel import audit
from bonanca.kernel.ids import new_id
from bonanca.outbox.operations.publish import publish
from bonanca.signals.events import AlertFiring
from bonanca.signals.models import Alert
from bonanca.ui.phrases import Words, stored


@dataclass(frozen=True)
class NewAlert:
    """A condition that burns, as it will be stored."""

    fingerprint: str
    door: str
    service: str
    severity: str
    summary: Words
    starts_at: datetime
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    slo: str = ""
    expires_at: datetime | None = None
    generator_url: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def fire_alerts(alerts: Sequence[NewAlert], *, actor: Actor, now: datetime) -> tuple[UUID, ...]:
    """Begin these alerts; return the ids of those that nobody else began first (one firing alert per fingerprint)."""
    # One order for everybody: two batches that share fingerprints wait for each other instead of dying in a deadlock.
    rows = [_row(alert, now) for alert in sorted(alerts, key=lambda one: one.fingerprint)]
    Alert.objects.bulk_create(rows, ignore_conflicts=True)
    began = set(Alert.objects.filter(id__in=[row.id for row in rows]).values_list("id", flat=True))
    for row in rows:
        if row.id not in began:
            continue
        audit.record(
            aggregate=f"alert:{row.id}",
            action="alert.fired",
            actor=actor.label,
            facts={
                "fingerprint": row.fingerprint,
                "door": row.door,
                "service": row.service,
                "slo": row.slo,
                "severity": row.severity,
                "summary": row.summary,
                "starts_at": row.starts_at,
                "labels": row.labels,
                "evidence": row.evidence,
            },
            now=now,
        )
        publish(
            AlertFiring(
                alert_id=row.id,
                fingerprint=row.fingerprint,
                service=row.service,
                severity=row.severity,
                summary=row.summary,
                starts_at=row.starts_at,
                slo=row.slo or None,
                labels=dict(row.labels),
                door=row.door,
                summary_phrase=row.summary_phrase,
            ),
            now=now,
        )
    return tuple(row.id for row in rows if row.id in began)


def _row(alert: NewAlert, now: datetime) -> Alert:
    return Alert(
        id=new_id(),
        fingerprint=alert.fingerprint,
        door=alert.door,
        service=alert.service,
        slo=alert.slo,
        severity=alert.severity,
        summary=str(alert.summary)[:300],
        summary_phrase=stored(alert.summary),
        starts_at=alert.starts_at,
        detected_at=now,
        seen_at=now,
        expires_at=alert.expires_at,
        labels=dict(alert.labels),
        annotations=dict(alert.annotations),
        generator_url=alert.generator_url,
        evidence=dict(alert.evidence),
    )
