"""The plan that makes an old primary a standby again, and, where that is asked for, the primary: a promotion's undo."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import StepSpec
from bonanca.recovery import promotion_plans

KIND = "rejoin"
TITLE = gettext_noop("Make the old primary of %(service)s its standby")
TITLE_BACK = gettext_noop("Take the promotion of %(service)s back")
PREFLIGHT = gettext_noop("Look at the new primary and at the old one's data folder")
CLOSE = gettext_noop("Close the old primary, if it still takes sessions")
REJOIN = gettext_noop("Stop it, bring it to the new primary's state, start it as a standby")
FOLLOWS = gettext_noop("Wait until it follows and has everything")
COPY_TIMEOUT_S = 4 * 3600.0


def steps_of(service: ServiceView, *, rewind: bool, data: str, back: bool) -> tuple[StepSpec, ...]:
    """The steps, frozen. `back`: those of a promotion follow."""
    params: dict[str, Any] = {"service": service.slug, "rewind": rewind, "data": data}
    took_s = 5.0 if rewind else None
    found = (
        StepSpec("rejoin_preflight", "recovery.rejoin_preflight", params, PREFLIGHT, timeout_s=60, expected_s=0.5),
        StepSpec("close", "recovery.rejoin_close", params, CLOSE, timeout_s=60, expected_s=0.5),
        StepSpec("rejoin", "recovery.rejoin", params, REJOIN, timeout_s=COPY_TIMEOUT_S, expected_s=took_s),
        StepSpec("follows", "recovery.rejoin_follows", params, FOLLOWS, timeout_s=600, expected_s=2.0),
    )
    return found + (promotion_plans.steps_of(service, accept_loss=False) if back else ())


def words(*, rewind: bool, kept: str, back: bool) -> tuple[str, ...]:
    """What it means, said before a person says yes."""
    if rewind:
        how = _(
            "pg_rewind brings back what the two servers differ in; nothing that was confirmed is only on the old one."
        )
    else:
        how = _(
            "The new primary is copied whole, and the old data folder is kept as %(kept)s: what only it has can still"
            " be read there. Remove it when nobody needs it."
        ) % {"kept": kept}
    calm = _("The service goes on meanwhile: the new primary is only read.")
    if not back:
        return (how, calm)
    last = _("Then the same steps as in a promotion bring the service back to it, with every row written since.")
    return (how, calm, last)
