"""Words of the gateway."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class DirectiveKind(TextChoices):
    """Why visitors get the polite page, an answer from elsewhere, or none while too many fail."""

    MAINTENANCE = "maintenance", _("maintenance")
    DISABLE = "disable", _("switched off")
    REDIRECT = "redirect", _("redirected to the redundant site")
    WEIGHTS = "weights", _("shared out by weights")
    BREAKER = "breaker", _("behind a circuit breaker")
