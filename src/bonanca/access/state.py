from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    VIEWER = "viewer", _("viewer")
    RESPONDER = "responder", _("responder")
    COMMANDER = "commander", _("commander")
    ADMIN = "admin", _("admin")


RANK: dict[str, int] = {Role.VIEWER: 0, Role.RESPONDER: 1, Role.COMMANDER: 2, Role.ADMIN: 3}


class Scope(TextChoices):
    """What an API token may be used for."""

    API = "api"
    ALERTS = "alerts"
    GATEWAY = "gateway"
