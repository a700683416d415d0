"""The words of this room: states of an alert, severities, deploy status, and which state follows which."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AlertState(models.TextChoices):
    """An alert burns or is over. One that returns is a new alert: its history stays as it was."""

    FIRING = "firing", _("firing")
    RESOLVED = "resolved", _("resolved")


TRANSITIONS: dict[str, frozenset[str]] = {
    AlertState.FIRING: frozenset({AlertState.RESOLVED}),
    AlertState.RESOLVED: frozenset(),
}


class Severity(models.TextChoices):
    """Severity has one meaning everywhere; SEV1..SEV4 is only its short label."""

    CRITICAL = "critical", _("critical")
    HIGH = "high", _("high")
    MEDIUM = "medium", _("medium")
    LOW = "low", _("low")


class DeployStatus(models.TextChoices):
    """What the error budget allows (requirement C14)."""

    NORMAL = "normal", _("Normal")
    CAUTION = "caution", _("Caution")
    WARNING = "warning", _("Warning")
    FREEZE = "freeze", _("Freeze")


class Door(models.TextChoices):
    """Through which door an alert came."""

    SLO = "slo", _("objective")
    ALERTMANAGER = "alertmanager", _("Alertmanager API")
    MANUAL = "manual", _("person")
    # Backups and drills that do not hold: nobody suffers yet, so nobody is woken.
    READINESS = "readiness", _("readiness")
    SUPERVISION = "supervision", _("supervision")
    # What a closer look after a rollback or an incident found.
    WATCH = "watch", _("reinforced watch")


class Health(models.TextChoices):
    """The four meanings of colour."""

    BURNING = "burning", _("burning")
    AT_RISK = "at_risk", _("at risk")
    CALM = "calm", _("calm")
    UNKNOWN = "unknown", _("unknown")
