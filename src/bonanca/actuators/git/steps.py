"""The step kind `git.release`: put a commit's tree beside the others and make it the current release."""

from __future__ import annotations

from pathlib import Path

from bonanca.actuators.git.releases import CURRENT, RELEASES, CurrentMoved, Switch, switch_back, switch_to, switched
from bonanca.actuators.git.repository import GitRepository
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.kernel.errors import BonancaError, Unavailable


@step("git.release")
class GitRelease:
    """Check a commit out into `<root>/releases/<12 digits>` and point `<root>/current` at it.

    Params: `repository` (path), `sha` or `ref` (a plan that must mean the same tomorrow gives the sha), `root`
    (absolute). The receipt has `sha`, `release` (path), `previous` and `target` (folder names under `releases/`,
    previous null at a first release).
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        root = Path(ctx.params["root"])
        switch = switched(root, ctx.key)
        return None if switch is None else _receipt(root, switch)

    def apply(self, ctx: StepContext) -> Receipt:
        root = Path(ctx.params["root"])
        sha = self._sha(ctx)
        ctx.progress(None, sha[:12])
        with fenced(f"release:{root.resolve()}", ctx.token):
            try:
                release = _repository(ctx).checkout_release(sha, root / RELEASES)
                switch = switch_to(root, release.name, key=ctx.key, sha=sha)
            except BonancaError as error:
                raise StepFailed(str(error), retryable=isinstance(error, Unavailable)) from error
            except OSError as error:
                raise StepFailed(f"{root / CURRENT}: {error}", retryable=True) from error
        return _receipt(root, switch)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        root = Path(receipt["root"])
        with fenced(f"release:{root.resolve()}", ctx.token):
            try:
                switch = switch_back(
                    root, previous=receipt["previous"], target=receipt["target"], key=f"{ctx.key}:undo"
                )
            except (CurrentMoved, FileNotFoundError) as error:
                raise NotUndoable(str(error)) from error
            except OSError as error:
                raise StepFailed(f"{root / CURRENT}: {error}", retryable=True) from error
        return _receipt(root, switch)

    def _sha(self, ctx: StepContext) -> str:
        try:
            return _repository(ctx).resolve(str(ctx.params.get("sha") or ctx.params["ref"]))
        except BonancaError as error:
            raise StepFailed(str(error), retryable=isinstance(error, Unavailable)) from error


def _repository(ctx: StepContext) -> GitRepository:
    return GitRepository(Path(ctx.params["repository"]))


def _receipt(root: Path, switch: Switch) -> Receipt:
    release = str(root / RELEASES / switch.target) if switch.target else None
    return {
        "root": str(root),
        "sha": switch.sha,
        "release": release,
        "previous": switch.previous,
        "target": switch.target,
    }
