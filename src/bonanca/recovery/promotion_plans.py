"""The plan that makes a standby the primary, and what taking it back costs, in words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import StepSpec
from bonanca.recovery.restore_plans import MAINTENANCE, OPEN, RESTART, STOP, VERIFY
from bonanca.running import parts

KIND = "promotion"
TITLE = gettext_noop("Make the standby of %(service)s the primary")
PREFLIGHT = gettext_noop("Ask both servers once more")
FENCE = gettext_noop("Close the old primary and see that it takes no writes")
PROMOTE = gettext_noop("Wait until the standby has everything, and make it the primary")
SWITCH = gettext_noop("Point the service at the new primary")
PROVE = gettext_noop("See that the new primary takes writes and the old one does not")


def steps_of(service: ServiceView, *, accept_loss: bool) -> tuple[StepSpec, ...]:
    """The steps, frozen; those that the service has no use for are left out."""
    params: dict[str, Any] = {"service": service.slug, "accept_loss": accept_loss}
    running = parts.runs(service)
    found = [
        StepSpec("preflight", "recovery.promotion_preflight", params, PREFLIGHT, timeout_s=60, expected_s=0.5),
        parts.close(service, MAINTENANCE),
        parts.stop(service, STOP) if running else None,
        StepSpec("fence", "recovery.fence_primary", params, FENCE, timeout_s=60, expected_s=0.5),
        StepSpec("promote", "recovery.promote_standby", params, PROMOTE, timeout_s=300, expected_s=2.0),
        StepSpec("switch", "recovery.switch_address", params, SWITCH, timeout_s=30, expected_s=0.1),
        parts.restart(service, RESTART) if running else None,
        StepSpec("prove", "recovery.promotion_proof", params, PROVE, timeout_s=60, expected_s=0.5),
        parts.verify(service, VERIFY),
        parts.reopen(service, OPEN),
    ]
    return tuple(step for step in found if step is not None)


def undo_words() -> tuple[str, ...]:
    """What taking it back costs; said before a person says yes."""
    return (
        _("Until the standby is the primary, everything can be taken back: the old primary is opened again."),
        _(
            "Afterwards the old primary lacks what is written since. A plan of its own makes it a standby of the new"
            " one, with pg_rewind or a fresh copy, and can make it the primary again, which takes this promotion back."
            " It needs the folders of both servers (database.standby.servers)."
        ),
    )
