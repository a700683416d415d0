"""What only the real git can do wrong: foreign owners, hostile surroundings, broken places."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bonanca.actuators.files.held import LedElsewhere
from bonanca.actuators.git.errors import GitFailed, UnknownRepository
from bonanca.actuators.git.repository import GitRepository


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    place = tmp_path / "loja"
    place.mkdir()
    (place / "app.py").write_text("print('v1')\n")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
        who = ["-c", "user.name=Ana", "-c", "user.email=ana@loja.example"]
        subprocess.run(["git", *who, *arguments], cwd=place, env=env, check=True)
    return GitRepository(place)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_place_without_a_repository_is_said_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnknownRepository, match=name):
        GitRepository(tmp_path / name).resolve("main")


def test_a_folder_inside_a_checkout_is_not_taken_for_that_checkout(repository: GitRepository) -> None:
    inside = repository.path / "var"
    inside.mkdir()
    with pytest.raises(UnknownRepository):
        GitRepository(inside).resolve("main")


def test_another_users_repository_can_be_read(repository: GitRepository) -> None:
    if os.geteuid() == 0:  # only root can make one; for anybody else this reads an own repository
        for path in [repository.path, *repository.path.rglob("*")]:
            os.chown(path, 65534, 65534)
    assert len(repository.resolve("main")) == 40


def test_the_surroundings_cannot_redirect_git(repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert len(repository.resolve("main")) == 40
    assert repository.diff_text("main", "main").text == ""


def test_reading_and_releasing_leave_the_owners_checkout_alone(repository: GitRepository, tmp_path: Path) -> None:
    (repository.path / "app.py").write_text("print('being edited')\n")
    index = (repository.path / ".git" / "index").read_bytes()
    release = repository.checkout_release("main", tmp_path / "releases")
    assert (release / "app.py").read_text() == "print('v1')\n"
    assert (repository.path / "app.py").read_text() == "print('being edited')\n"
    assert (repository.path / ".git" / "index").read_bytes() == index


def test_a_release_that_cannot_be_written_leaves_nothing(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(GitFailed, match="No space left"):
        repository.checkout_release("main", tmp_path / "releases")
    assert list((tmp_path / "releases").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to somebody else")
def test_no_link_of_a_services_user_leads_a_release_elsewhere(repository: GitRepository, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    releases = tmp_path / "releases"
    releases.symlink_to("elsewhere")
    os.chown(releases, 54321, 54321, follow_symlinks=False)
    with pytest.raises(LedElsewhere, match="releases"):
        repository.checkout_release("main", releases)
    assert list((tmp_path / "elsewhere").iterdir()) == []
