"""A restore of a whole server, or its undo, that is killed anywhere: the old directory is somewhere, and that is known.

Asked again, each ends what it had begun, and does nothing that it has done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.actuators.files.tree_swap import SIDE, NotSwappable
from bonanca.catalog.spec import PhysicalSpec
from bonanca.durable import crashpoints
from bonanca.kernel.audit import history
from bonanca.recovery import queries
from bonanca.recovery.engines import Opening
from bonanca.recovery.engines.wal_archive import OWN_MOMENT, Reach
from bonanca.recovery.holding import me
from bonanca.recovery.models import KeptFiles, ServerMove
from bonanca.recovery.operations import restore_server as restore_server_file
from bonanca.recovery.operations.drop_kept import drop_kept
from bonanca.recovery.operations.keep_files import KeptInMove, expire_kept_files
from bonanca.recovery.operations.move_server import AnotherMove, settle_gone_moves
from bonanca.recovery.operations.restore_server import NothingKept, restore_server, undo_server
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.recovery.tests.test_files_restored import fails_at
from bonanca.recovery.verdicts import OK, finding

WORKER = SYSTEM("test")
NAMED, SWAPPED = "files.swap_in.named", "files.swap_in.swapped"


class Killed(BaseException):
    """As SIGKILL: nothing of the command runs after it."""


@contextmanager
def killed_at(patch: pytest.MonkeyPatch, place: str) -> Iterator[None]:
    def kill(name: str) -> None:
        if name == place:
            raise Killed

    with patch.context() as inner:
        inner.setattr(crashpoints, "hook", kill)
        # A killed process does not come to its `finally`.
        inner.setattr(restore_server_file, "end_move", lambda move, now: None)
        with pytest.raises(Killed):
            yield
    ServerMove.objects.filter(ended_at=None).update(pid=0, pid_started=1)  # nobody lives under that


@pytest.fixture(autouse=True)
def _laid_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is laid out is not looked at here: test_whole_server starts a server on it."""

    def lay_out(opening: Opening, data: Path) -> tuple[Reach, None]:
        data.mkdir()
        (data / "PG_VERSION").write_text(f"{opening.backup.server_version}\n")
        (data / "backup_label").touch()
        return Reach(finding("log", OK, OWN_MOMENT)), None

    monkeypatch.setattr(restore_server_file, "lay_out", lay_out)


@pytest.fixture
def whole(make_shop: Callable[..., Shop]) -> Shop:
    shop = make_shop()
    shop.declare_backup(physical=PhysicalSpec())
    return shop


@pytest.fixture
def lost(whole: Shop, tmp_path: Path) -> Path:
    """A directory to be replaced, with a backup to come back from."""
    backup = take_backup(service=whole.slug, actor=WORKER, now=NOW)
    folder = tmp_path / "there" / "data"
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text(f"{backup.server_version}\n")
    (folder / "mine").write_text("as it was")
    return folder


@pytest.fixture
def asked(whole: Shop, lost: Path) -> dict[str, Any]:
    return {"service": whole.slug, "data_directory": lost, "actor": WORKER, "now": NOW}


def beside(data: Path) -> list[Path]:
    return sorted((data.parent / SIDE).glob("*"))


def as_it_was(data: Path) -> bool:
    return (data / "mine").exists() and (data / "mine").read_text() == "as it was"


def restores_noted(service: str) -> int:
    return [entry.action for entry in history(f"service:{service}")].count("server.restored")


def test_what_was_there_survives_a_command_that_is_interrupted_in_the_move(
    lost: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, why in ((1, KeyboardInterrupt()), (2, KeyboardInterrupt()), (2, NotSwappable("No space left"))):
        with monkeypatch.context() as patch:
            fails_at(patch, number, why)
            with pytest.raises(type(why)):
                restore_server(**asked)
        assert as_it_was(lost)
        assert not (lost.parent / SIDE).exists()
    with pytest.raises(NothingKept):
        undo_server(**asked)


def test_a_killed_restore_leaves_nothing_in_the_clear_and_can_be_undone(
    whole: Shop, lost: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("recovery.restore_server.laid_out", NAMED):
        with killed_at(monkeypatch, place):
            restore_server(**asked)
        assert beside(lost)
        assert settle_gone_moves(now=NOW) == []
        assert as_it_was(lost)
        assert beside(lost) == []
        assert not KeptFiles.objects.exists()
    with killed_at(monkeypatch, SWAPPED):
        restore_server(**asked)
    assert (lost / "recovery.signal").exists()
    assert settle_gone_moves(now=NOW) == []
    (row,) = queries.kept_files(whole.slug)
    assert beside(lost) == [Path(row.kept_path)]
    assert restores_noted(whole.slug) == 1
    undo_server(**asked)
    assert as_it_was(lost)


@pytest.mark.parametrize("place", [NAMED, SWAPPED])
def test_a_killed_restore_that_is_asked_again_is_done_once(
    whole: Shop, lost: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with killed_at(monkeypatch, place):
        restore_server(**asked)
    there = lost.stat().st_ino
    done = restore_server(**asked)
    assert (lost.stat().st_ino == there) == (place == SWAPPED)
    assert done.kept is not None
    assert (Path(done.kept) / "mine").exists()
    assert beside(lost) == [Path(done.kept)]
    assert restores_noted(whole.slug) == 1
    restore_server(**asked)  # told of the first, they want another one
    assert restores_noted(whole.slug) == 2


@pytest.mark.parametrize("settled", [False, True])
def test_a_killed_undo_is_ended_by_the_next_and_not_turned_round(
    whole: Shop, lost: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, settled: bool
) -> None:
    first = restore_server(**asked)
    restore_server(**asked | {"now": NOW + timedelta(minutes=1)})
    identity = lost.stat().st_ino
    for number, place in enumerate((NAMED, SWAPPED)):
        with killed_at(monkeypatch, place):
            undo_server(**asked | {"now": NOW + timedelta(minutes=2 + number)})
        if settled:
            assert settle_gone_moves(now=NOW) == []
    assert lost.stat().st_ino != identity
    for number in range(2):
        done = undo_server(**asked | {"now": NOW + timedelta(minutes=5 + number)})
        assert lost.stat().st_ino != identity
        assert not as_it_was(lost)  # that was kept by the restore before, which nobody took back
        assert done.kept is not None
        assert Path(done.kept).stat().st_ino == identity
    assert {Path(row.kept_path) for row in queries.kept_files(whole.slug)} == set(beside(lost))
    # By its name each of them can be had.
    assert first.kept is not None
    for _again in range(2):
        undo_server(**asked | {"now": NOW + timedelta(minutes=7)}, kept=Path(first.kept))
        assert as_it_was(lost)
    undo_server(**asked | {"now": NOW + timedelta(minutes=8)}, kept=Path(done.kept))
    assert lost.stat().st_ino == identity


def test_two_commands_cannot_work_on_one_directory(lost: Path, asked: dict[str, Any]) -> None:
    restore_server(**asked)
    ServerMove.objects.update(ended_at=None, **me())
    for act in (restore_server, undo_server):
        with pytest.raises(AnotherMove), transaction.atomic():
            act(**asked)


@pytest.mark.parametrize("place", ["recovery.kept.asked", "files.given_up", "recovery.kept.given_up"])
def test_what_was_half_removed_when_a_worker_died_is_never_put_back(
    whole: Shop, lost: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    restore_server(**asked)
    (row,) = queries.kept_files(whole.slug)
    with monkeypatch.context() as patch:
        patch.setattr(crashpoints, "hook", lambda name: _die(name == place))
        with pytest.raises(Killed):
            drop_kept(service=whole.slug, name=row.name, actor=WORKER, now=NOW)
    with pytest.raises(NothingKept):
        undo_server(**asked)
    assert beside(lost)
    assert queries.kept_files(whole.slug) == ()
    # Its time is not over: it goes on because somebody has asked for it.
    assert expire_kept_files(now=NOW) == []
    assert beside(lost) == []
    said = KeptFiles.objects.get(name=row.name)
    assert (said.state, history(f"kept:{said.pk}")[-1].actor) == ("dropped", WORKER.label)


def test_what_is_being_put_back_is_not_removed_although_its_time_is_over(
    whole: Shop, lost: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    restore_server(**asked)
    (row,) = queries.kept_files(whole.slug)
    KeptFiles.objects.update(expires_at=NOW)
    with killed_at(monkeypatch, NAMED):
        undo_server(**asked)
    with pytest.raises(KeptInMove):
        drop_kept(service=whole.slug, name=row.name, actor=WORKER, now=NOW)
    assert [Path(row.kept_path).name in problem for problem in expire_kept_files(now=NOW)] == [True]
    undo_server(**asked)
    assert as_it_was(lost)


def _die(now: bool) -> None:
    if now:
        raise Killed
