"""Look closer than usual for a while after a recovery."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils.translation import gettext as _

from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.registry import step
from bonanca.response.steps.support import NothingToTakeBack
from bonanca.signals.queries import impact

PAUSE_S = 0.5
SETTLE_S = 2.0


@step("response.watch")
class Watch(NothingToTakeBack):
    """Look closer than usual for a while after a recovery (requirement T9)."""

    def apply(self, ctx: StepContext) -> Receipt:
        slug, seconds = ctx.params["service"], float(ctx.params["seconds"])
        # What visitors met just before it was opened may still be counted for a moment (the counters are
        # read once a second): the watch begins after that.
        began = ctx.now() + timedelta(seconds=SETTLE_S)
        while (elapsed := (ctx.now() - began).total_seconds()) < seconds:
            ctx.still_mine()
            ctx.progress(max(0.0, elapsed / seconds), "")
            time.sleep(PAUSE_S)
        seen = impact(slug, began, ctx.now())
        ratio = seen.failed_ratio
        if ratio > float(ctx.params.get("tolerated", 0.01)):
            raise StepFailed(
                _("Failures came back: %(failed)s of %(total)s requests since the recovery.")
                % {"failed": seen.failed, "total": seen.total},
                hint=_("Contain again, then look at the newest errors."),
            )
        return {"seconds": seconds, "requests": seen.total, "failed": seen.failed}
