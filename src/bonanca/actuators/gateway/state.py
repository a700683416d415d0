"""Words of the gateway."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class DirectiveKind(TextChoices):
    """Why visitors get the polite page, or an answer from elsewhere."""

    MAINTENANCE = "maintenance", _("maintenance")
    DISABLE = "disable", _("switched off")
    REDIRECT = "redirect", _("redirected to the redundant site")
