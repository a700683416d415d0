"""The steps over files as a plan uses them: check, apply, undo."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bonanca.actuators.files.steps import FilesAppendLine, FilesWrite
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.errors import Fenced, StepFailed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))


def context(params: dict[str, Any], *, run_id: UUID | None = None, epoch: int = 1) -> StepContext:
    run = run_id or uuid4()
    return StepContext(
        run_id=run,
        step_key="config",
        token=FenceToken(run, epoch),
        params=params,
        context={},
        receipts={},
        timeout_s=60.0,
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        progress=lambda *_: None,
        still_mine=lambda: None,
        remaining_s=lambda: 60.0,
    )


@pytest.mark.parametrize("source", ["content", "copy_of"])
def test_a_write_is_in_effect_for_its_own_key_and_goes_back(tmp_path: Path, source: str) -> None:
    config, other = tmp_path / "loja.toml", tmp_path / "other.toml"
    config.write_text("old\n")
    other.write_text("new\n")
    params = {"path": str(config), source: "new\n" if source == "content" else str(other)}
    step, ctx = FilesWrite(), context(params)
    assert step.check(ctx) is None
    receipt = step.apply(ctx)
    assert config.read_text() == "new\n"
    assert step.check(ctx) == receipt == step.apply(ctx)
    assert receipt["changed"]
    assert step.check(context(params)) is None
    back = context(params)
    for _ in range(2):
        step.undo(back, receipt)
        assert config.read_text() == "old\n"


@pytest.mark.parametrize("params", [{"path": "loja.toml", "content": ""}, {"path": "/tmp/loja.toml"}])
def test_a_write_without_a_place_or_a_content_fails_for_good(params: dict[str, Any]) -> None:
    with pytest.raises(StepFailed) as failed:
        FilesWrite().apply(context(params))
    assert not failed.value.retryable


def test_a_line_is_appended_once_for_each_key_and_taken_back(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    step, ctx = FilesAppendLine(), context({"path": str(journal), "line": "one"})
    assert step.check(ctx) is None
    receipt = step.apply(ctx)
    assert step.check(ctx) == receipt == step.apply(ctx)
    assert len(journal.read_text().splitlines()) == 1
    step.undo(context(ctx.params), receipt)
    assert not journal.exists()


def test_an_outdated_worker_writes_nothing(tmp_path: Path) -> None:
    config, run = tmp_path / "loja.toml", uuid4()
    FilesWrite().apply(context({"path": str(config), "content": "new"}, run_id=run, epoch=2))
    with pytest.raises(Fenced):
        FilesWrite().apply(context({"path": str(config), "content": "zombie"}, run_id=run, epoch=1))
    assert config.read_text() == "new"
