"""The step kinds against a real sshd: one state or the other after every kill, once in effect, undone byte for byte."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bonanca.actuators.files.store import FileState
from bonanca.actuators.ssh import memory
from bonanca.actuators.ssh.files import Ground, keep, restore_file
from bonanca.actuators.ssh.releases import send_release
from bonanca.actuators.ssh.session import HostUnreachable, Session, connected
from bonanca.actuators.ssh.steps import SshRelease, SshRun, SshWrite
from bonanca.actuators.ssh.tests.conftest import Host
from bonanca.durable import crashpoints
from bonanca.durable.errors import Fenced, NotUndoable, StepFailed
from bonanca.durable.registry import handler
from tests.support.loja import Repository

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What SIGKILL is to a test inside one process: nothing after it runs."""


@pytest.fixture
def killed_at() -> Iterator[Any]:
    def at(name: str) -> None:
        def hook(reached: str) -> None:
            if reached == name:
                crashpoints.hook = None
                raise Killed

        crashpoints.hook = hook

    yield at
    crashpoints.hook = None


def release(host: Host, repository: Repository, version: str, key: str) -> Any:
    return host.context(key, repository=str(repository.path), sha=repository.shas[version])


def running(host: Host) -> str:
    return (host.root / "current" / "app.py").read_text()


def test_a_release_goes_there_is_switched_to_and_taken_back(host: Host, repository: Repository) -> None:
    step = SshRelease()
    first, second = release(host, repository, "v1", "a"), release(host, repository, "v2", "b")
    assert step.check(first) is None
    made = step.apply(first)
    assert (made["previous"], made["target"], running(host)) == (None, repository.shas["v1"][:12], "VERSION = 'v1'\n")
    then = step.apply(second)
    assert (then["previous"], running(host)) == (made["target"], "VERSION = 'v2'\n")
    assert step.check(second) == then == step.apply(second)
    seen = memory.seen(host.spec, host.there)
    assert seen is not None
    assert seen.release == then["target"]
    assert step.check(first) is None
    back = step.undo(second, then)
    assert (back["target"], running(host)) == (made["target"], "VERSION = 'v1'\n")
    assert step.undo(second, then) == back
    step.undo(first, made)
    assert not (host.root / "current").exists()
    names = {path.name for path in (host.root / "releases").iterdir()}
    assert names == {made["target"], then["target"]}


def test_a_release_that_was_moved_on_from_is_not_taken_back(host: Host, repository: Repository) -> None:
    step = SshRelease()
    one = step.apply(release(host, repository, "v1", "a"))
    step.apply(release(host, repository, "v2", "b"))
    step.apply(release(host, repository, "v3", "c"))
    with pytest.raises(NotUndoable, match="moved after this step"):
        step.undo(release(host, repository, "v1", "a"), one)


@pytest.mark.parametrize(
    ("point", "version"),
    [
        ("ssh.release.packed", "v1"),
        ("ssh.release.sent", "v1"),
        ("ssh.release.decided", "v1"),
        ("ssh.release.switched", "v2"),
    ],
)
def test_a_kill_in_the_middle_leaves_the_old_or_the_new_and_is_gone_on_with(
    host: Host, repository: Repository, killed_at: Any, point: str, version: str
) -> None:
    step = SshRelease()
    first = step.apply(release(host, repository, "v1", "a"))
    killed_at(point)
    ctx = release(host, repository, "v2", "b")
    with pytest.raises(Killed):
        step.apply(ctx)
    assert running(host) == f"VERSION = {version!r}\n"
    done = step.check(ctx) or step.apply(ctx)
    assert (done["previous"], running(host)) == (first["target"], "VERSION = 'v2'\n")
    assert not [path for path in (host.root / "releases").iterdir() if path.name.startswith(".")]


def test_what_was_half_sent_or_arrived_damaged_is_not_used(host: Host, repository: Repository) -> None:
    releases = host.root / "releases"
    (releases / f".{repository.shas['v1'][:12]}.tar.d").mkdir(parents=True)
    (releases / f".{repository.shas['v1'][:12]}.tar.d" / "stale.py").write_text("x")
    (releases / f".{repository.shas['v1'][:12]}.tar").write_text("half")
    SshRelease().apply(release(host, repository, "v1", "a"))
    assert sorted(path.name for path in (host.root / "current").resolve().iterdir()) == ["app.py", "deploy"]


def interrupted(patch: pytest.MonkeyPatch, ground: Ground, old: Ground, does: Callable[[Ground], object]) -> None:
    """Have a worker that has lost the plan send half of the same whenever the other has sent all of it."""
    old.act("true")
    ground.act("true")
    all_of_it, its_half = ground.session.send, old.session.send

    def send_half(path: str, pieces: Iterator[bytes], **more: Any) -> None:
        whole = b"".join(pieces)
        its_half(path, iter((whole[: len(whole) // 2],)), **more)

    def then_the_other(path: str, pieces: Iterator[bytes], **more: Any) -> None:
        all_of_it(path, pieces, **more)
        with pytest.raises(Fenced):
            does(old)

    patch.setattr(old.session, "send", send_half)
    patch.setattr(ground.session, "send", then_the_other)


def test_who_has_lost_the_plan_puts_nothing_half_sent_in_place(
    host: Host, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, sha = host.there / "etc" / "loja.toml", repository.shas["v1"]
    for epoch, does in (
        (2, lambda ground: ground.put(file, b"limit = 2\n", mode=0o640)),
        (4, lambda ground: send_release(ground, repository.path, sha, watch=lambda: None)),
    ):
        with connected(host.spec) as mine, connected(host.spec) as its:
            ground = Ground(mine, host.there, host.token(epoch))
            interrupted(monkeypatch, ground, Ground(its, host.there, host.token(epoch - 1)), does)
            does(ground)
    assert (host.root / "etc" / "loja.toml").read_bytes() == b"limit = 2\n"
    assert [path.name for path in (host.root / "etc").iterdir()] == ["loja.toml"]
    assert [path.name for path in (host.root / "releases").iterdir()] == [sha[:12]]


def test_a_commit_that_is_not_there_fails_for_good(host: Host, repository: Repository) -> None:
    from bonanca.actuators.git.errors import UnknownRef

    with pytest.raises(UnknownRef):
        SshRelease().apply(host.context("a", repository=str(repository.path), sha="0" * 40))
    assert not host.root.exists()


def test_a_file_is_written_and_put_back_byte_for_byte(host: Host) -> None:
    step, file = SshWrite(), host.root / "etc" / "loja.toml"
    ctx = host.context("w", path=str(file), content="limit = 2\n")
    assert step.check(ctx) is None
    made = step.apply(ctx)
    assert (file.read_text(), file.stat().st_mode & 0o777, made["before"]["sha256"]) == ("limit = 2\n", 0o600, None)
    assert step.check(ctx) == made == step.apply(ctx)
    file.write_bytes(b"by hand\xff")
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    assert step.check(ctx) is None
    again = host.context("w2", path=str(file), content="limit = 3\n")
    second = step.apply(again)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("limit = 3\n", 0o640)
    assert file.stat().st_uid == (65534 if os.geteuid() == 0 else os.geteuid())
    step.undo(again, second)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"by hand\xff", 0o640)
    step.undo(ctx, made)
    assert not file.exists()
    step.undo(ctx, made)
    assert [path.name for path in file.parent.iterdir()] == []


@pytest.mark.parametrize(("point", "left"), [("ssh.write.intent_recorded", "old"), ("ssh.write.written", "new")])
def test_a_kill_while_writing_leaves_the_old_or_the_new(host: Host, killed_at: Any, point: str, left: str) -> None:
    step, file = SshWrite(), host.root / "loja.toml"
    host.root.mkdir()
    file.write_text("old")
    ctx = host.context("w", path=str(file), content="new")
    killed_at(point)
    with pytest.raises(Killed):
        step.apply(ctx)
    assert file.read_text() == left
    done = step.check(ctx) or step.apply(ctx)
    assert file.read_text() == "new"
    step.undo(ctx, done)
    assert file.read_text() == "old"


def test_a_content_that_the_host_lost_is_refused_before_anything_changes(host: Host) -> None:
    step, file = SshWrite(), host.root / "loja.toml"
    host.root.mkdir()
    file.write_text("old")
    ctx = host.context("w", path=str(file), content="new")
    made = step.apply(ctx)
    for kept in (host.root / "run" / "contents").rglob("*"):
        if kept.is_file():
            kept.unlink()
    with pytest.raises(StepFailed, match="missing or damaged") as failed:
        step.undo(ctx, made)
    assert (failed.value.retryable, file.read_text()) == (False, "new")
    # What we keep ourselves (a pinned configuration) is brought along.
    with connected(host.spec) as session:
        ground, state = Ground(session, host.there, host.token()), FileState(made["before"]["sha256"], 0o600)
        restore_file(ground, key="pin", path=host.there / "loja.toml", state=state, data=b"old")
    assert file.read_text() == "old"


def test_a_command_runs_in_its_folder_and_its_failure_is_told(host: Host, tmp_path: Path) -> None:
    step = SshRun()
    told = 'pwd; echo "$LOG_LEVEL $PYTHONPATH"'
    ctx = host.context("m", argv=["sh", "-c", told], cwd=str(tmp_path), env={"LOG_LEVEL": "info"})
    assert step.check(ctx) is None
    done = step.apply(ctx)
    assert done["output"] == f"{tmp_path}\ninfo {tmp_path}\n"
    with pytest.raises(NotUndoable):
        step.undo(ctx, done)
    wrong = host.context("m", argv=["sh", "-c", "echo no such table >&2; exit 3"], cwd=str(tmp_path))
    with pytest.raises(StepFailed, match="no such table") as failed:
        step.apply(wrong)
    assert not failed.value.retryable
    with pytest.raises(StepFailed, match="no-folder"):
        step.apply(host.context("m", argv=["true"], cwd="/nowhere"))


def test_a_host_that_is_away_is_tried_again_and_a_wrong_key_is_not(host: Host, tmp_path: Path) -> None:
    for changes, retryable in (({"port": 9}, True), ({"known_hosts": str(tmp_path / "none")}, False)):
        params = {**host.spec.to_json(), **changes}
        with pytest.raises(StepFailed) as failed:
            SshRun().apply(host.context("m", argv=["true"], cwd="/", ssh=params))
        assert failed.value.retryable == retryable
    with pytest.raises(StepFailed):
        SshRun().apply(host.context("m", argv=["true"], cwd="/", ssh={"host": "x"}))


def test_the_kinds_are_known_to_plans() -> None:
    for kind in ("ssh.release", "ssh.write", "ssh.run"):
        assert handler(kind)


@pytest.mark.parametrize("sent", [False, True])
def test_a_content_whose_sending_was_cut_off_is_sent_again(
    strict_host: Host, monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    """Nobody may write to what is kept, and what was left half sent stands in nobody's way."""
    send, data = Session.send, b"kept" * 1000

    def cut_off(session: Session, path: str, pieces: Iterator[bytes], **facts: Any) -> None:
        def half() -> Iterator[bytes]:
            yield data[:100]
            session._connection.abort()
            yield data[100:]

        send(session, path, pieces if sent else half(), **facts)
        session._connection.abort()

    with monkeypatch.context() as cut, connected(strict_host.spec) as session:
        cut.setattr(Session, "send", cut_off)
        with pytest.raises(HostUnreachable):
            keep(Ground(session, strict_host.there, strict_host.token()), data)
    contents = strict_host.root / "run" / "contents"
    [left] = [path for path in contents.rglob("*") if path.is_file()]
    assert left.name.endswith(".partial")
    with connected(strict_host.spec) as session:
        sha256 = keep(Ground(session, strict_host.there, strict_host.token()), data)
    [kept] = [path for path in contents.rglob("*") if path.is_file()]
    assert (kept.name, kept.read_bytes(), kept.stat().st_mode & 0o7777) == (sha256, data, 0o400)
