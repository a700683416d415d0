"""A worker that lost its plan removes nothing of the one that has it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.errors import Fenced
from bonanca.kernel.clock import utc_now
from bonanca.recovery import folders
from bonanca.recovery.steps.files import FilesLoad
from bonanca.recovery.steps.support import mark_of
from bonanca.recovery.steps.workspace import workspace
from bonanca.recovery.trees import staging_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))


def context(run: UUID, epoch: int, **params: Any) -> StepContext:
    return StepContext(
        run_id=run,
        step_key="load",
        token=FenceToken(run, epoch),
        params=params,
        context={},
        receipts={},
        timeout_s=60,
        now=utc_now,
        progress=lambda share, text: None,
        still_mine=lambda: None,
        remaining_s=lambda: 60.0,
    )


@pytest.mark.parametrize("named", ["by the run", "by the restore"])
def test_the_end_of_an_outdated_attempt_leaves_its_successor_what_it_works_in(named: str) -> None:
    run, params = uuid4(), {} if named == "by the run" else {"restore_id": str(uuid4())}
    outdated = workspace(context(run, 1, **params))
    left = outdated.__enter__()
    (left / "dump").write_text("old")
    with workspace(context(run, 2, **params)) as folder:
        (folder / "dump").write_text("new")
        assert not left.exists()
        outdated.__exit__(None, None, None)
        assert (folder / "dump").read_text() == "new"
        with pytest.raises(Fenced), workspace(context(run, 1, **params)):
            pass
        assert (folder / "dump").read_text() == "new"
    assert folders.everything_temporary() == []


def test_what_is_still_written_by_an_outdated_attempt_is_removed_all_the_same() -> None:
    run, over = uuid4(), threading.Event()
    with workspace(context(run, 1)) as outdated:

        def write() -> None:
            number = 0
            while not over.is_set() and outdated.exists():
                number += 1
                try:
                    (outdated / f"piece-{number}").write_text("old")
                except OSError:
                    return

        thread = threading.Thread(target=write)
        thread.start()
        try:
            with workspace(context(run, 2)) as folder:
                assert list(folder.parent.iterdir()) == [folder]
        finally:
            over.set()
            thread.join()
    assert folders.everything_temporary() == []


def test_an_outdated_load_of_files_removes_nothing_that_its_successor_has_written(tmp_path: Path) -> None:
    run, target = uuid4(), tmp_path / "uploads"
    params = {"service": "loja-api", "paths": [str(target)], "folder": "", "backup_id": str(uuid4())}
    with pytest.raises(Exception, match="no service"):
        FilesLoad().apply(context(run, 2, **params))
    staged = staging_of(target, mark_of(run), 2, 0)
    (staged / "a").mkdir(parents=True)
    with pytest.raises(Fenced):
        FilesLoad().apply(context(run, 1, **params))
    assert (staged / "a").exists()
