"""Step kinds on another host: `ssh.release`, `ssh.write`, `ssh.run`.

Parameters of each: `ssh` (an `SshHost.to_json()`) and `root` (absolute, of that host), below which they keep what they
decide and take turns. Their keys, receipts and undos are those of `git.release`, `files.write` and `command.run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from bonanca.actuators.files.store import ContentLost, FileState, Intent
from bonanca.actuators.git.releases import RELEASES, CurrentMoved, Switch
from bonanca.actuators.git.repository import GitRepository
from bonanca.actuators.ssh import memory
from bonanca.actuators.ssh.files import Ground, restore_file, write_file, written
from bonanca.actuators.ssh.releases import send_release, switch_back, switch_to, switched
from bonanca.actuators.ssh.session import HostRefused, HostUnreachable, Session, connected
from bonanca.actuators.ssh.spec import BadHost, SshHost
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.registry import step
from bonanca.kernel.errors import Unavailable

# Of a command's output, what the receipt keeps as evidence.
EVIDENCE = 2000


@step("ssh.release")
class SshRelease:
    """Bring a commit's tree to the host's `<root>/releases/<12 digits>` and point its `<root>/current` at it.

    Params beside `ssh` and `root`: `repository` (a path of this host), `sha`. The receipt is that of `git.release`.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        with reaching(ctx) as (session, root):
            switch = switched(session, root, ctx.key)
            return None if switch is None else self._receipt(ctx, switch)

    def apply(self, ctx: StepContext) -> Receipt:
        with reaching(ctx) as (session, root):
            repository = Path(ctx.params["repository"])
            sha = GitRepository(repository).resolve(str(ctx.params["sha"]))
            ctx.progress(None, f"{sha[:12]} → {session.spec.address}")
            ground = Ground(session, root, ctx.token)
            name = send_release(ground, repository, sha, watch=ctx.still_mine)
            return self._receipt(ctx, switch_to(ground, name, key=ctx.key, sha=sha))

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with reaching(ctx) as (session, root):
            ground = Ground(session, root, ctx.token)
            try:
                switch = switch_back(
                    ground, previous=receipt["previous"], target=receipt["target"], key=f"{ctx.key}:undo"
                )
            except (CurrentMoved, FileNotFoundError) as error:
                raise NotUndoable(str(error)) from error
            return self._receipt(ctx, switch)

    def _receipt(self, ctx: StepContext, switch: Switch) -> Receipt:
        host, root = host_of(ctx), PurePosixPath(ctx.params["root"])
        memory.remember(host, root, switch.target, now=ctx.now())
        return {
            "host": host.address,
            "root": str(root),
            "sha": switch.sha,
            "release": str(root / RELEASES / switch.target) if switch.target else None,
            "previous": switch.previous,
            "target": switch.target,
        }


@step("ssh.write")
class SshWrite:
    """Make `path` of the host hold `content` (text), and keep there what it held.

    The receipt has `path`, `before` and `after` ({sha256, mode}) and `changed`, as that of `files.write`.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        with reaching(ctx) as (session, root):
            intent = written(session, root, ctx.key)
            return None if intent is None else written_receipt(session, intent)

    def apply(self, ctx: StepContext) -> Receipt:
        with reaching(ctx) as (session, root):
            mode = ctx.params.get("mode")
            intent = write_file(
                Ground(session, root, ctx.token),
                key=ctx.key,
                path=PurePosixPath(ctx.params["path"]),
                data=str(ctx.params["content"]).encode(),
                mode=int(mode, 8) if mode is not None else None,
            )
            return written_receipt(session, intent)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with reaching(ctx) as (session, root):
            state, path = FileState(**receipt["before"]), PurePosixPath(receipt["path"])
            ground = Ground(session, root, ctx.token)
            intent = restore_file(ground, key=f"{ctx.key}:undo", path=path, state=state, data=None)
            return written_receipt(session, intent)


@step("ssh.run")
class SshRun:
    """Run `argv` on the host in `cwd` with `env`, alone below `root`; a non-zero exit fails the step with its words.

    As with `command.run` it must bear being run again. It ends with the worker: the connection is its leash.
    """

    undoable = False

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        with reaching(ctx) as (session, root):
            argv, folder = [str(word) for word in ctx.params["argv"]], str(ctx.params["cwd"])
            ground = Ground(session, root, ctx.token)
            ended = session.run(
                argv,
                timeout_s=max(1.0, ctx.remaining_s() - 1.0),
                env={"PYTHONPATH": folder, **ctx.params.get("env", {})},
                folder=folder,
                fence=ground.fence,
                token=ctx.token,
                watch=ctx.still_mine,
            )
        if not ended.ok:
            raise StepFailed(
                _("“%(name)s” failed on %(host)s (%(code)s): %(said)s")
                % {"name": argv[0], "host": host_of(ctx).address, "code": ended.code, "said": ended.said or "-"},
                retryable=ended.code is None,
            )
        return {"host": host_of(ctx).address, "argv": argv, "cwd": folder, "output": ended.stdout[-EVIDENCE:]}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        raise NotUndoable(_("What this command did cannot be taken back."))


def host_of(ctx: StepContext) -> SshHost:
    """The host of a step's parameters."""
    try:
        return SshHost.from_json(ctx.params["ssh"])
    except (BadHost, KeyError) as error:
        raise StepFailed(str(error), retryable=False) from error


@contextmanager
def reaching(ctx: StepContext) -> Iterator[tuple[Session, PurePosixPath]]:
    """The host of a step and the service's root there; what goes wrong in words of plans."""
    with told_as_step(), connected(host_of(ctx)) as session:
        yield session, PurePosixPath(ctx.params["root"])


@contextmanager
def told_as_step() -> Iterator[None]:
    """Say of a failure whether it may pass."""
    try:
        yield
    except StepFailed:
        raise
    except (HostUnreachable, HostRefused) as error:
        raise StepFailed(error.message, retryable=isinstance(error, HostUnreachable), hint=error.hint) from error
    except (ContentLost, FileNotFoundError) as error:
        raise StepFailed(str(error), retryable=False) from error
    except Unavailable as error:
        raise StepFailed(str(error), retryable=True) from error


def written_receipt(session: Session, intent: Intent) -> Receipt:
    """What became of a file of the host."""
    return {
        "host": session.spec.address,
        "path": intent.path,
        "before": asdict(intent.before),
        "after": asdict(intent.after),
        "changed": intent.before.sha256 != intent.after.sha256,
    }
