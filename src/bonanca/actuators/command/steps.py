"""Step kind `command.run`: one command of the service's own, from a release folder."""

from __future__ import annotations

from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.command.environment import inherited
from bonanca.durable.commands import CommandFailed, run
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step


@step("command.run")
class CommandRun:
    """Run `argv` in `cwd`; a non-zero exit fails the step with the command's last words.

    The command must bear being run again, as a migration tool does: a worker that dies in it runs it
    a second time. What it did to data is taken back by a rollback to the pin that was made before it.
    """

    undoable = False

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        cwd = Path(ctx.params["cwd"]).resolve()
        if not cwd.is_dir():
            raise StepFailed(_("%(folder)s: there is no such folder to run the command in.") % {"folder": cwd})
        environment = {**inherited(), "PYTHONPATH": str(cwd), **ctx.params.get("env", {})}
        with fenced(f"command:{ctx.params['resource']}", ctx.token):
            try:
                done = run(list(ctx.params["argv"]), timeout_s=ctx.remaining_s(), cwd=cwd, env=environment)
            except CommandFailed as failure:
                raise StepFailed(str(failure), retryable=False) from failure
        return {"argv": ctx.params["argv"], "cwd": str(cwd), "output": done.stdout.decode("utf-8", "replace")[-2000:]}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        raise NotUndoable(_("What this command did cannot be taken back."))
