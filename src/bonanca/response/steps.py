"""Step kinds of plans that only this room can carry out: preflight, verification and the reinforced watch."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import VerifySpec
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.registry import step
from bonanca.response import gates  # noqa: F401 - registers the gates that need the rooms below this one
from bonanca.response.operations.undo_containment import ContainmentEnded, undo_containment
from bonanca.response.preflight import rollback_checks
from bonanca.response.queries import containments_of
from bonanca.response.verification import Verdict, ask
from bonanca.signals.queries import impact

ATTEMPTS = 10
PAUSE_S = 0.5
SETTLE_S = 2.0


class _NothingToTakeBack:
    """A step that only looks leaves nothing behind."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {}


@step("response.preflight")
class Preflight(_NothingToTakeBack):
    """Refuse before anything is touched (requirement T6)."""

    unskippable = gettext_noop("Without these checks a rollback could destroy what it is to bring back.")

    def apply(self, ctx: StepContext) -> Receipt:
        checks = rollback_checks(get_service(ctx.params["service"]), UUID(ctx.params["pin_id"]))
        failed = [check.words for check in checks if not check.passed]
        if failed:
            raise StepFailed(" ".join(failed), hint=_("Nothing was touched. Choose another pin."))
        return {"checks": [check.text for check in checks]}


@step("response.verify")
class Verify(_NothingToTakeBack):
    """Ask from outside until everything answers as declared, or say what does not (requirement T8)."""

    unskippable = gettext_noop("What nobody has verified must not be called done. Mend the check, or abort the plan.")

    def apply(self, ctx: StepContext) -> Receipt:
        service = get_service(ctx.params["service"])
        dsn = service.database.dsn() if service.database else None
        checks = [VerifySpec(**check) for check in ctx.params["checks"]]
        verdicts: list[Verdict] = []
        for attempt in range(ATTEMPTS):
            ctx.still_mine()
            ctx.progress(attempt / ATTEMPTS, _("asking"))
            verdicts = [v for c in checks for v in ask(c, replicas=tuple(ctx.params["replicas"]), dsn=dsn)]
            if all(v.passed for v in verdicts):
                return {"verdicts": [asdict(v) for v in verdicts]}
            time.sleep(PAUSE_S)
        wrong = "; ".join(f"{v.name} ({v.where}): {v.found}" for v in verdicts if not v.passed)
        raise StepFailed(
            _("The service does not answer as declared: %(wrong)s") % {"wrong": wrong},
            hint=_("It stays closed to visitors. Retry the step, or undo the plan."),
        )


@step("response.lift_containments")
class LiftContainments(_NothingToTakeBack):
    """What was taken out because it failed comes back once it works; its undo leaves it to people to contain again."""

    def apply(self, ctx: StepContext) -> Receipt:
        lifted = []
        for containment in containments_of(UUID(ctx.params["incident_id"])):
            ctx.still_mine()
            if containment.is_active:
                try:
                    undo_containment(containment.id, actor=SYSTEM("rollback"), now=ctx.now())
                except ContainmentEnded:
                    continue  # it has expired, or somebody was faster
                lifted.append(str(containment.id))
        return {"lifted": lifted}


@step("response.watch")
class Watch(_NothingToTakeBack):
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
