from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ReplicaState(TextChoices):
    """How a replica was seen last. It mirrors what is outside, so any state may follow any other."""

    RUNNING = "running", _("running")
    STOPPED = "stopped", _("stopped")
    FAILING = "failing", _("failing, started again by itself")
    GIVEN_UP = "given_up", _("given up: a person has to start it")
