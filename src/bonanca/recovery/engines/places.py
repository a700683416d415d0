"""What every sealed backup has in common: places that may have lost it, and a key that must fit."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_noop

from bonanca.recovery.envelope import EnvelopeDamaged, WrongIdentity, opens
from bonanca.recovery.fetching import peek
from bonanca.recovery.verdicts import NO, OK, Finding, finding
from bonanca.recovery.views import BackupView

PLACE_OK = gettext_noop("The backup is in %(place)s")
PLACE_TROUBLE = gettext_noop("The backup is in %(place)s, but not everywhere: %(problems)s")
NO_PLACE = gettext_noop("No place has the backup: %(problems)s")
KEY_FITS = gettext_noop("The private key opens it")
WRONG_KEY = gettext_noop(
    "The private key does not open it: it was sealed for other recipients. Give the key whose public half was declared"
    " when it was taken"
)
DAMAGED = gettext_noop("The backup is damaged: %(why)s")


def key_findings(backup: BackupView, identities: Sequence[str]) -> list[Finding]:
    """Whether some place has the beginning of it, and whether one of the keys opens it."""
    seen = peek(backup)
    if seen.place is None or seen.header is None:
        return [finding("places", NO, NO_PLACE, problems="; ".join(seen.problems))]
    problems = "; ".join(seen.problems)
    place = finding("places", OK, PLACE_TROUBLE if problems else PLACE_OK, place=seen.place, problems=problems)
    try:
        opens(seen.header, identities)
    except WrongIdentity:
        return [place, finding("key", NO, WRONG_KEY)]
    except EnvelopeDamaged as problem:
        return [place, finding("key", NO, DAMAGED, why=problem.message)]
    return [place, finding("key", OK, KEY_FITS)]
