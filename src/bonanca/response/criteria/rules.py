"""The rules by name, who answers them, and what their verdicts mean together."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Rule(TextChoices):
    """What decides whether a problem is critical enough to go back (requirement T4)."""

    END_USER = "end_user", _("impact on users")
    DATA = "data", _("data lost or exposed")
    BUSINESS = "business", _("business result")
    AVAILABILITY = "availability", _("availability")
    COMPLIANCE = "compliance", _("compliance")
    REPUTATION = "reputation", _("reputation")
    MONITORING = "monitoring", _("report of the monitoring")
    HISTORY = "history", _("similar problems before")


class Opinion(TextChoices):
    """What a rule says about going back."""

    FOR = "for", _("for it")
    AGAINST = "against", _("against it")
    UNKNOWN = "unknown", _("not known")


class Outcome(TextChoices):
    """What the rules say together."""

    PROPOSE = "propose", _("The criteria call for a rollback")
    FORBID = "forbid", _("The criteria forbid a rollback")
    AGAINST = "against", _("The criteria do not call for a rollback")
    UNDECIDED = "undecided", _("The criteria leave it open")


# What people know and no instrument measures. Their “against” forbids: the rollback itself would do the harm.
ASKED = (Rule.DATA, Rule.COMPLIANCE, Rule.REPUTATION)


def outcome_of(opinions: Iterable[tuple[str, str, bool]], *, needed: int) -> Outcome:
    """Return what the opinions say together; each is (rule, opinion, whether a person gave it)."""
    given = list(opinions)
    if any(rule in ASKED and opinion == Opinion.AGAINST and by_person for rule, opinion, by_person in given):
        return Outcome.FORBID
    favourable = sum(opinion == Opinion.FOR for _rule, opinion, _by in given)
    if favourable >= needed:
        return Outcome.PROPOSE
    if not favourable and any(opinion == Opinion.AGAINST for _rule, opinion, _by in given):
        return Outcome.AGAINST
    return Outcome.UNDECIDED
