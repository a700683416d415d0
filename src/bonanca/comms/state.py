"""The words of a public status page, in the states that readers of other status pages know."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class UpdateState(TextChoices):
    INVESTIGATING = "investigating", _("investigating")
    IDENTIFIED = "identified", _("identified")
    MONITORING = "monitoring", _("monitoring")
    RESOLVED = "resolved", _("resolved")


class ComponentState(TextChoices):
    OPERATIONAL = "operational", _("works")
    DEGRADED = "degraded_performance", _("works in part")
    OUTAGE = "major_outage", _("does not work")
    MAINTENANCE = "under_maintenance", _("under maintenance")
