"""Words of the gateway."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class DirectiveKind(TextChoices):
    """Why visitors get the polite page."""

    MAINTENANCE = "maintenance", _("maintenance")
    DISABLE = "disable", _("switched off")
