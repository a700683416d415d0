"""The life of a change."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ChangeState(TextChoices):
    PROPOSED = "proposed", _("proposed")
    DEPLOYING = "deploying", _("deploying")
    DEPLOYED = "deployed", _("deployed")
    FAILED = "failed", _("failed")
    ROLLED_BACK = "rolled_back", _("rolled back")
    ABANDONED = "abandoned", _("abandoned")


TRANSITIONS: dict[str, frozenset[str]] = {
    ChangeState.PROPOSED: frozenset({ChangeState.DEPLOYING, ChangeState.ABANDONED}),
    ChangeState.DEPLOYING: frozenset({ChangeState.DEPLOYED, ChangeState.FAILED}),
    ChangeState.DEPLOYED: frozenset({ChangeState.ROLLED_BACK}),
    # A half-made deployment is taken back, or its plan is retried from the failed step. It is not started anew: that
    # would pin the half-made state as the one to come back to.
    ChangeState.FAILED: frozenset({ChangeState.DEPLOYED, ChangeState.ROLLED_BACK}),
    # The rollback itself was undone.
    ChangeState.ROLLED_BACK: frozenset({ChangeState.DEPLOYED}),
    ChangeState.ABANDONED: frozenset(),
}
