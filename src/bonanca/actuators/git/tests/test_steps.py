"""The step `git.release` as a plan uses it: check, apply, undo."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bonanca.actuators.git.releases import current_release
from bonanca.actuators.git.steps import GitRelease
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.errors import Fenced, NotUndoable, StepFailed

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))
    place = tmp_path / "loja"
    place.mkdir()
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@loja.example"]
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=place, check=True)
    for tag in ("v1", "v2"):
        (place / "version").write_text(tag)
        subprocess.run(["git", *who, "add", "-A"], cwd=place, check=True)
        subprocess.run(["git", *who, "commit", "-q", "-m", tag], cwd=place, check=True)
        subprocess.run(["git", "tag", tag], cwd=place, check=True)
    return place


def context(repository: Path, ref: str, *, run_id: Any = None, epoch: int = 1) -> StepContext:
    run = run_id or uuid4()
    return StepContext(
        run_id=run,
        step_key="code",
        token=FenceToken(run, epoch),
        params={"repository": str(repository), "ref": ref, "root": str(repository.parent / "root")},
        context={},
        receipts={},
        timeout_s=60.0,
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        progress=lambda *_: None,
        still_mine=lambda: None,
        remaining_s=lambda: 60.0,
    )


def running_version(repository: Path) -> str:
    return (repository.parent / "root" / "current" / "version").read_text()


def test_a_release_is_found_in_effect_only_by_the_key_that_made_it(repository: Path) -> None:
    step, ctx = GitRelease(), context(repository, "v1")
    assert step.check(ctx) is None
    receipt = step.apply(ctx)
    assert running_version(repository) == "v1"
    assert step.check(ctx) == receipt
    assert step.check(context(repository, "v1")) is None
    assert receipt["previous"] is None


def test_the_undo_goes_back_to_what_ran_before_even_after_a_repeat(repository: Path) -> None:
    step = GitRelease()
    step.apply(context(repository, "v1"))
    ctx = context(repository, "v2")
    step.apply(ctx)
    receipt = step.apply(ctx)
    assert running_version(repository) == "v2"
    back = context(repository, "v2")
    for _ in range(2):
        step.undo(back, receipt)
        assert running_version(repository) == "v1"


def test_an_outdated_worker_changes_nothing(repository: Path) -> None:
    step, run = GitRelease(), uuid4()
    step.apply(context(repository, "v2", run_id=run, epoch=2))
    with pytest.raises(Fenced):
        step.apply(context(repository, "v1", run_id=run, epoch=1))
    assert running_version(repository) == "v2"


def test_a_later_release_is_not_undone_by_an_older_plan(repository: Path) -> None:
    step = GitRelease()
    old = step.apply(context(repository, "v1"))
    step.apply(context(repository, "v2"))
    with pytest.raises(NotUndoable):
        step.undo(context(repository, "v1"), old | {"target": "0" * 12, "previous": "1" * 12})
    assert running_version(repository) == "v2"


@pytest.mark.parametrize(("ref", "repo"), [("v9", None), ("--upload-pack=x", None), ("v1", "/nonexistent")])
def test_a_version_that_cannot_be_had_fails_for_good(repository: Path, ref: str, repo: str | None) -> None:
    ctx = context(repository, ref)
    ctx.params.update({"repository": repo} if repo else {})
    with pytest.raises(StepFailed) as failed:
        GitRelease().apply(ctx)
    assert not failed.value.retryable
    assert current_release(repository.parent / "root") is None
