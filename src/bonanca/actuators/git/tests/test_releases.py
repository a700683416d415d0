"""`current` moves in one step, once per key, and back to where it stood."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.actuators.git import releases
from bonanca.actuators.git.releases import CurrentMoved, current_release, switch_back, switch_to, switched


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("aaa", "bbb", "ccc"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    return tmp_path


def test_a_first_release_has_nothing_before_it_and_undo_takes_current_away(root: Path) -> None:
    done = switch_to(root, "aaa", key="one")
    assert (current_release(root), done.previous) == ("aaa", None)
    assert (root / "current").resolve() == (root / "releases" / "aaa").resolve()
    switch_back(root, previous=None, target="aaa", key="undo")
    assert current_release(root) is None


def test_a_repeat_still_knows_where_current_stood_before_the_first(root: Path) -> None:
    switch_to(root, "aaa", key="one")
    switch_to(root, "bbb", key="two")
    again = switch_to(root, "bbb", key="two")
    assert (again.previous, current_release(root)) == ("aaa", "bbb")


def test_a_crash_before_the_move_is_not_taken_for_done(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_to(root, "aaa", key="one")
    with monkeypatch.context() as patch:
        patch.setattr(releases, "_point", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            switch_to(root, "bbb", key="two")
    assert switched(root, "two") is None
    switch_to(root, "bbb", key="two")
    done = switched(root, "two")
    assert done is not None
    assert done.previous == "aaa"


def test_the_undo_does_not_drop_a_release_that_came_later(root: Path) -> None:
    switch_to(root, "aaa", key="one")
    switch_to(root, "bbb", key="two")
    switch_to(root, "ccc", key="three")
    with pytest.raises(CurrentMoved, match="ccc"):
        switch_back(root, previous="aaa", target="bbb", key="undo")
    assert current_release(root) == "ccc"


def test_an_undo_done_twice_is_one_undo(root: Path) -> None:
    switch_to(root, "aaa", key="one")
    switch_to(root, "bbb", key="two")
    for _ in range(2):
        switch_back(root, previous="aaa", target="bbb", key="undo")
    assert current_release(root) == "aaa"


def test_a_release_that_is_gone_is_refused(root: Path) -> None:
    switch_to(root, "aaa", key="one")
    with pytest.raises(FileNotFoundError, match="zzz"):
        switch_to(root, "zzz", key="two")
    assert current_release(root) == "aaa"
