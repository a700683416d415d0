"""The life of an incident."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Severity(TextChoices):
    CRITICAL = "critical", _("critical")
    HIGH = "high", _("high")
    MEDIUM = "medium", _("medium")
    LOW = "low", _("low")


# SEV1…SEV4 is only the short label of a severity.
SHORT_LABEL: dict[str, str] = {
    Severity.CRITICAL: "SEV1",
    Severity.HIGH: "SEV2",
    Severity.MEDIUM: "SEV3",
    Severity.LOW: "SEV4",
}


class IncidentState(TextChoices):
    DETECTED = "detected", _("detected")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    CONTAINED = "contained", _("contained")
    MITIGATED = "mitigated", _("mitigated")
    RESOLVED = "resolved", _("resolved")
    CLOSED = "closed", _("closed")


TRANSITIONS: dict[str, frozenset[str]] = {
    IncidentState.DETECTED: frozenset(
        {IncidentState.ACKNOWLEDGED, IncidentState.CONTAINED, IncidentState.MITIGATED, IncidentState.RESOLVED}
    ),
    IncidentState.ACKNOWLEDGED: frozenset({IncidentState.CONTAINED, IncidentState.MITIGATED, IncidentState.RESOLVED}),
    # A containment that was undone leaves the incident burning again.
    IncidentState.CONTAINED: frozenset({IncidentState.ACKNOWLEDGED, IncidentState.MITIGATED, IncidentState.RESOLVED}),
    IncidentState.MITIGATED: frozenset({IncidentState.ACKNOWLEDGED, IncidentState.CONTAINED, IncidentState.RESOLVED}),
    IncidentState.RESOLVED: frozenset({IncidentState.ACKNOWLEDGED, IncidentState.CLOSED}),
    IncidentState.CLOSED: frozenset(),
}

OPEN: frozenset[str] = frozenset(
    {IncidentState.DETECTED, IncidentState.ACKNOWLEDGED, IncidentState.CONTAINED, IncidentState.MITIGATED}
)


class EntryKind(TextChoices):
    """What the live timeline can be filtered by."""

    SIGNAL = "signal", _("signals")
    ACTION = "action", _("actions")
    DECISION = "decision", _("decisions")
    MESSAGE = "message", _("messages")
    NOTE = "note", _("notes")
