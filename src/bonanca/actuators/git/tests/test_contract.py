"""The same promises, asked of git itself and of the stand-in."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from bonanca.actuators.git.errors import BadRef, FileTooLarge, UnknownFile, UnknownRef
from bonanca.actuators.git.fake import FakeRepository
from bonanca.actuators.git.repository import GitRepository

V1 = {"loja/app.py": b"TIMEOUT = 3\n", "deploy/loja.toml": b"retries = 3\n"}
V2 = {
    "loja/app.py": b"TIMEOUT = 0\nFAST = True\n",
    "deploy/loja.toml": b"retries = 3\n",
    "preços.txt": b"1\n",
}


@dataclass
class Cast:
    repository: GitRepository | FakeRepository
    v1: str
    v2: str


def real(tmp_path: Path) -> Cast:
    place = tmp_path / "loja"
    place.mkdir()
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}

    def run(*arguments: str) -> str:
        who = ["-c", "user.name=Ana Souza", "-c", "user.email=ana@loja.example"]
        return subprocess.run(
            ["git", *who, *arguments], cwd=place, env=env, check=True, capture_output=True, text=True
        ).stdout.strip()

    run("init", "--quiet", "--initial-branch=main")
    commits = []
    for tag, subject, files in (("v1", "A shop that sells", V1), ("v2", "Faster checkout", V2)):
        for name, data in files.items():
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_bytes(data)
        run("add", "--all")
        run("commit", "--quiet", "--message", subject)
        run("tag", tag)
        commits.append(run("rev-parse", "HEAD"))
    return Cast(GitRepository(place), *commits)


def fake(tmp_path: Path) -> Cast:
    repository = FakeRepository()
    v1 = repository.commit("A shop that sells", V1)
    repository.tag("v1")
    v2 = repository.commit("Faster checkout", V2)
    repository.tag("v2")
    return Cast(repository, v1, v2)


@pytest.fixture(params=[real, fake], ids=["git", "fake"])
def cast(request: pytest.FixtureRequest, tmp_path: Path) -> Cast:
    made: Cast = request.param(tmp_path)
    return made


def test_a_tag_and_an_abbreviated_id_name_the_same_commit(cast: Cast) -> None:
    assert cast.repository.resolve("v1") == cast.v1
    assert cast.repository.resolve(cast.v1[:12]) == cast.v1
    assert len(cast.v1) == 40


@pytest.mark.parametrize("ref", ["v9", "0" * 40])
def test_a_reference_that_is_not_there_is_named_in_the_error(cast: Cast, ref: str) -> None:
    with pytest.raises(UnknownRef, match=ref):
        cast.repository.resolve(ref)


@pytest.mark.parametrize(
    "ref", ["", "--output=/tmp/x", "v1..v2", "v1:loja/app.py", "v1~1", "v1^{tree}", "a b", "@{-1}"]
)
def test_a_reference_can_be_no_option_and_compute_nothing(cast: Cast, ref: str) -> None:
    with pytest.raises(BadRef):
        cast.repository.resolve(ref)


def test_the_log_tells_what_the_new_version_adds(cast: Cast) -> None:
    (commit,) = cast.repository.log_between("v1", "v2")
    assert (commit.sha, commit.subject, commit.author_name) == (cast.v2, "Faster checkout", "Ana Souza")
    assert commit.committed_at.tzinfo is not None
    assert cast.repository.log_between("v2", "v1") == ()


def test_the_diff_counts_lines_by_file(cast: Cast) -> None:
    stat = cast.repository.diff_stat("v1", "v2")
    assert [(change.path, change.added, change.removed) for change in stat.files] == [
        ("loja/app.py", 2, 1),
        ("preços.txt", 1, 0),
    ]
    assert (stat.added, stat.removed) == (3, 1)


def test_the_diff_is_bounded_and_says_so(cast: Cast) -> None:
    whole = cast.repository.diff_text("v1", "v2", path="loja/app.py")
    assert "-TIMEOUT = 3\n+TIMEOUT = 0\n" in whole.text
    assert "preços" not in whole.text
    assert not whole.truncated
    cut = cast.repository.diff_text("v1", "v2", max_bytes=40)
    assert (len(cut.text.encode()), cut.truncated) == (40, True)


def test_a_file_is_read_as_it_was_at_a_commit(cast: Cast) -> None:
    assert cast.repository.show_file(cast.v1, "loja/app.py") == V1["loja/app.py"]
    assert cast.repository.show_file("v2", "preços.txt") == b"1\n"
    with pytest.raises(FileTooLarge):
        cast.repository.show_file(cast.v1, "loja/app.py", max_bytes=3)


@pytest.mark.parametrize("path", ["missing.txt", "loja", "../secret", "/etc/passwd", ""])
def test_a_path_that_is_no_file_of_the_commit_is_refused(cast: Cast, path: str) -> None:
    with pytest.raises(UnknownFile):
        cast.repository.show_file(cast.v1, path)


def test_a_release_is_the_tree_of_its_commit(cast: Cast, tmp_path: Path) -> None:
    releases = tmp_path / "root" / "releases"
    release = cast.repository.checkout_release("v2", releases)
    assert release == releases / cast.v2[:12]
    found = {str(path.relative_to(release)): path.read_bytes() for path in release.rglob("*") if path.is_file()}
    assert found == V2
    assert cast.repository.checkout_release(cast.v2, releases) == release
    assert [path.name for path in releases.iterdir()] == [cast.v2[:12]]
