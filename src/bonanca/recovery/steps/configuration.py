"""`recovery.restore_config`: the configuration file as it was pinned, byte for byte; what it replaces is kept."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.files.store import ContentLost, FileState, Intent
from bonanca.actuators.files.write import restore_file, written
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.recovery.folders import contents
from bonanca.recovery.queries import get_pin
from bonanca.recovery.steps.support import told


@step("recovery.restore_config")
class RestoreConfig:
    """Params: `service`, `pin_id`. The receipt has `path`, `before` and `after` ({sha256, mode})."""

    def check(self, ctx: StepContext) -> Receipt | None:
        intent = written(contents(), ctx.key)
        return None if intent is None else _receipt(intent)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            pin = get_pin(UUID(ctx.params["pin_id"]))
            if not pin.config_path:
                return {"skipped": _("The service had no declared configuration when it was pinned.")}
            # A file that did not exist when it was pinned is removed again.
            state = FileState(pin.config_sha256 or None, pin.config_mode)
            return self._put(ctx, Path(pin.config_path), state, ctx.key)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        if "skipped" in receipt:
            return receipt
        with told():
            return self._put(ctx, Path(receipt["path"]), FileState(**receipt["before"]), f"{ctx.key}:undo")

    def _put(self, ctx: StepContext, path: Path, state: FileState, key: str) -> Receipt:
        # The same name as the step kind `files.write` gives it: one at a time, whoever writes.
        with fenced(f"file:{path}", ctx.token):
            try:
                return _receipt(restore_file(contents(), key=key, path=path, state=state))
            except (OSError, ContentLost) as error:
                raise StepFailed(f"{path}: {error}", retryable=isinstance(error, OSError)) from error


def _receipt(intent: Intent) -> Receipt:
    return {
        "path": intent.path,
        "before": {"sha256": intent.before.sha256, "mode": intent.before.mode},
        "after": {"sha256": intent.after.sha256, "mode": intent.after.mode},
        "changed": intent.before != intent.after,
    }
