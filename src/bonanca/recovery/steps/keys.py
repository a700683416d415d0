"""Rotating keys as a step of a plan: `recovery.rewrap`."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.catalog.queries import get_service
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.registry import step
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.operations.rewrap_backup import NothingToRewrap, rewrap_backup
from bonanca.recovery.steps.support import reporting, told, worker


@step("recovery.rewrap")
class Rewrap:
    """Params: `service`, `backups` (ids). Reads the private key from the declared file; undo keeps what was written.

    One that cannot be wrapped does not hold up the others; the step then fails with all that was said.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        return None  # what is wrapped already is passed over

    def apply(self, ctx: StepContext) -> Receipt:
        policy = get_service(ctx.params["service"]).backup
        if policy is None or policy.identity_file is None:
            raise StepFailed(_("The service %(service)s declares no identity file.") % ctx.params)
        done, problems, say = [], [], reporting(ctx)
        with told():
            for text in ctx.params["backups"]:
                try:
                    rewrap_backup(
                        UUID(text), identity_file=policy.identity_file, actor=worker(), now=ctx.now(), progress=say
                    )
                    done.append(text)
                except NothingToRewrap:
                    continue
                except BonancaError as problem:
                    ctx.still_mine()  # a plan that is somebody else's ends here
                    problems.append(f"{text}: {problem.message}")
        if problems:
            raise StepFailed("; ".join(problems[:10]))
        return {"rewrapped": done}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {"kept": receipt["rewrapped"]}
