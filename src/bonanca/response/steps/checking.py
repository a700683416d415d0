"""Look before anything is touched, and ask from outside once it is done."""

from __future__ import annotations

import time
from dataclasses import asdict
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.preflight import refuse
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import VerifySpec
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.registry import step
from bonanca.kernel.errors import BonancaError
from bonanca.response.preflight import rollback_checks
from bonanca.response.steps.support import NothingToTakeBack
from bonanca.response.verification import Verdict, ask, check_of

ATTEMPTS = 10
PAUSE_S = 0.5
# The end of a program's output in the words of a failure; the receipt has more of it.
EVIDENCE_SHOWN = 400


@step("response.preflight")
class Preflight(NothingToTakeBack):
    """Refuse before anything is touched (requirement T6). Params: `service`, `pin_id`, optional `strategy`."""

    unskippable = gettext_noop("Without these checks a rollback could destroy what it is to bring back.")

    def apply(self, ctx: StepContext) -> Receipt:
        try:
            checks = rollback_checks(
                get_service(ctx.params["service"]),
                UUID(ctx.params["pin_id"]),
                str(ctx.params.get("strategy") or "instant"),
            )
        except BonancaError as refused:
            raise StepFailed(refused.message, hint=refused.hint) from refused
        standing = [(check.words, check.facts) for check in checks if not check.passed]
        refuse(standing, hint=_("Nothing was touched. Choose another pin."))
        return {"checks": [check.text for check in checks]}


@step("response.verify")
class Verify(NothingToTakeBack):
    """Ask from outside until everything answers as declared, or say what does not (requirement T8).

    Params: `service`, `checks`, `replicas`. What can be asked again while the service starts is asked up to ten times;
    programs run once, when the rest has passed.
    """

    unskippable = gettext_noop("What nobody has verified must not be called done. Mend the check, or abort the plan.")

    def apply(self, ctx: StepContext) -> Receipt:
        service = get_service(ctx.params["service"])
        dsn = service.database.dsn() if service.database else None
        replicas = tuple(ctx.params["replicas"])
        checks = [check_of(check) for check in ctx.params["checks"]]
        quick = [check for check in checks if not check.command]
        verdicts = self._until_passed(ctx, quick, replicas, dsn)
        for check in (c for c in checks if c.command):
            ctx.progress(None, check.name)
            verdicts += ask(check, replicas=replicas, dsn=dsn, service=service, watch=ctx.still_mine)
            _refuse(verdicts)
        return {"verdicts": [asdict(v) for v in verdicts]}

    def _until_passed(
        self, ctx: StepContext, checks: list[VerifySpec], replicas: tuple[str, ...], dsn: str | None
    ) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for attempt in range(ATTEMPTS):
            ctx.still_mine()
            ctx.progress(attempt / ATTEMPTS, _("asking"))
            verdicts = [v for c in checks for v in ask(c, replicas=replicas, dsn=dsn)]
            if all(v.passed for v in verdicts):
                return verdicts
            time.sleep(PAUSE_S)
        _refuse(verdicts)
        return verdicts


def _refuse(verdicts: list[Verdict]) -> None:
    failed = [v for v in verdicts if not v.passed]
    if failed:
        raise StepFailed(
            _("The service does not answer as declared: %(wrong)s") % {"wrong": "; ".join(_told(v) for v in failed)},
            hint=_("It stays closed to visitors. Retry the step, or undo the plan."),
        )


def _told(verdict: Verdict) -> str:
    shown = verdict.evidence.strip()[-EVIDENCE_SHOWN:]
    return f"{verdict.name} ({verdict.where}): {verdict.found}" + (f": {shown}" if shown else "")
