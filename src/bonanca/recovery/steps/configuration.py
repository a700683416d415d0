"""`recovery.restore_config`: the configuration file as it was pinned, byte for byte; what it replaces is kept."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.files.store import ContentLost, FileState, Intent
from bonanca.actuators.files.write import restore_file, written
from bonanca.actuators.ssh.files import Ground
from bonanca.actuators.ssh.files import restore_file as restore_far
from bonanca.actuators.ssh.files import written as written_far
from bonanca.actuators.ssh.session import connected
from bonanca.actuators.ssh.spec import SshHost
from bonanca.actuators.ssh.steps import told_as_step
from bonanca.catalog.queries import get_service
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.recovery.folders import contents
from bonanca.recovery.queries import get_pin
from bonanca.recovery.steps.support import told
from bonanca.running.homes import ssh_host


@step("recovery.restore_config")
class RestoreConfig:
    """Params: `service`, `pin_id`. The receipt has `path`, `before` and `after` ({sha256, mode})."""

    def check(self, ctx: StepContext) -> Receipt | None:
        service = get_service(ctx.params["service"])
        if (host := ssh_host(service)) is None:
            intent = written(contents(), ctx.key)
            return None if intent is None else _receipt(intent)
        with told(), told_as_step(), connected(host) as session:
            far = written_far(session, PurePosixPath(str(service.root)), ctx.key)
            return None if far is None else _receipt(far)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            pin = get_pin(UUID(ctx.params["pin_id"]))
            if not pin.config_path:
                return {"skipped": _("The service had no declared configuration when it was pinned.")}
            # A file that did not exist when it was pinned is removed again.
            state = FileState(pin.config_sha256 or None, pin.config_mode)
            if (host := ssh_host(get_service(ctx.params["service"]))) is not None:
                return self._put_far(ctx, host, pin.config_path, state, ctx.key)
            return self._put(ctx, Path(pin.config_path), state, ctx.key)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        if "skipped" in receipt:
            return receipt
        with told():
            state, key = FileState(**receipt["before"]), f"{ctx.key}:undo"
            if (host := ssh_host(get_service(ctx.params["service"]))) is not None:
                return self._put_far(ctx, host, receipt["path"], state, key)
            return self._put(ctx, Path(receipt["path"]), state, key)

    def _put_far(self, ctx: StepContext, host: SshHost, path: str, state: FileState, key: str) -> Receipt:
        root = PurePosixPath(str(get_service(ctx.params["service"]).root))
        with told_as_step(), connected(host) as session:
            intent = restore_far(
                Ground(session, root, ctx.token), key=key, path=PurePosixPath(path), state=state, data=_ours(state)
            )
            return _receipt(intent)

    def _put(self, ctx: StepContext, path: Path, state: FileState, key: str) -> Receipt:
        # The same name as the step kind `files.write` gives it: one at a time, whoever writes.
        with fenced(f"file:{path}", ctx.token):
            try:
                return _receipt(restore_file(contents(), key=key, path=path, state=state))
            except (OSError, ContentLost) as error:
                raise StepFailed(f"{path}: {error}", retryable=isinstance(error, OSError)) from error


def _ours(state: FileState) -> bytes | None:
    """A content that we keep ourselves; what a step replaced on the other host is kept there."""
    try:
        return contents().get(state.sha256) if state.sha256 is not None else None
    except ContentLost:
        return None


def _receipt(intent: Intent) -> Receipt:
    return {
        "path": intent.path,
        "before": {"sha256": intent.before.sha256, "mode": intent.before.mode},
        "after": {"sha256": intent.after.sha256, "mode": intent.after.mode},
        "changed": intent.before != intent.after,
    }
