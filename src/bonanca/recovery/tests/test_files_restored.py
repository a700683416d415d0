"""Folders and files come back beside, or in the place of what is there, which is kept; and all can be taken back."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM
from bonanca.access.operations.create_token import create_token
from bonanca.actuators.files import tree_swap
from bonanca.actuators.files.tree_swap import SIDE, NotSwappable
from bonanca.catalog.spec import FilesSpec
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.models import PlanRun
from bonanca.durable.registry import handler
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries
from bonanca.recovery.cli.backup import app as backup_app
from bonanca.recovery.cli.restore import app
from bonanca.recovery.models import KeptFiles
from bonanca.recovery.operations.drop_kept import drop_kept
from bonanca.recovery.operations.keep_files import expire_kept_files
from bonanca.recovery.operations.keep_longer import keep_longer
from bonanca.recovery.operations.propose_restore import propose_restore
from bonanca.recovery.operations.start_restore import start_restore
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.state import KeptState, RestoreMode, RestorePart
from bonanca.recovery.steps import files as steps
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.recovery.tests.test_files import tree
from bonanca.recovery.tests.test_restore import Run

WORKER = SYSTEM("test")


@pytest.fixture
def paths(shop: Shop) -> tuple[Path, Path]:
    """A folder and a file, in a backup of the shop; both were written to since."""
    media, limits = shop.folder / "srv" / "media", shop.folder / "etc" / "limits.conf"
    (media / "inner").mkdir(parents=True)
    (media / "inner" / "a").write_text("as it was")
    (media / "link").symlink_to("inner/a")
    limits.parent.mkdir()
    limits.write_text("limit = 1\n")
    shop.declare_backup(files=FilesSpec((media, limits)))
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    (media / "inner" / "a").write_text("written since")
    (media / "new").write_text("new")
    limits.write_text("limit = 2\n")
    return media, limits


def start(shop: Shop, **asked: Any) -> Run:
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW, **asked)
    assert not shown.refused, [found.words for found in shown.verdict]
    started = start_restore(shown.id, actor=WORKER, now=NOW)
    assert started.run_id is not None
    return Run(started.run_id)


def nothing_beside(*paths: Path) -> bool:
    return not any((path.parent / SIDE).exists() for path in paths)


def test_beside_it_touches_nothing(shop: Shop, paths: tuple[Path, Path]) -> None:
    media, limits = paths
    before = tree(media)
    run = start(shop, part=RestorePart.FILES, folder=str(shop.folder / "back"))
    run.do()
    assert tree(media) == before
    assert (shop.folder / "back" / "media" / "inner" / "a").read_text() == "as it was"
    assert (shop.folder / "back" / "media" / "link").readlink() == Path("inner/a")
    assert (shop.folder / "back" / "limits.conf").read_text() == "limit = 1\n"
    assert nothing_beside(media, limits, shop.folder / "back")
    again = propose_restore(
        service=shop.slug, actor=WORKER, now=NOW, part=RestorePart.FILES, folder=str(shop.folder / "back")
    )
    assert [found.key for found in again.verdict if found.answer == "no"] == ["files_name"]
    run.undo()
    assert not (shop.folder / "back").exists()
    (kept,) = queries.kept_files(shop.slug)
    assert (Path(kept.kept_path) / "limits.conf").read_text() == "limit = 1\n"


def test_in_place_it_keeps_what_was_there_and_comes_back_byte_for_byte(shop: Shop, paths: tuple[Path, Path]) -> None:
    media, limits = paths
    before, identity = tree(media), media.stat().st_ino
    run = start(shop, part=RestorePart.EVERYTHING, mode=RestoreMode.SWAP)
    assert [step.key for step in run.run.steps] == [
        *("preflight", "load", "check", "files_load", "place", "files_place")
    ]
    run.do()
    assert (media / "inner" / "a").read_text() == "as it was"
    assert not (media / "new").exists()
    assert limits.read_text() == "limit = 1\n"
    kept = {one.path: one for one in queries.kept_files(shop.slug)}
    assert set(kept) == {str(media), str(limits)}
    side = media.parent / SIDE
    assert side.stat().st_mode & 0o777 == 0o700
    assert tree(Path(kept[str(media)].kept_path)) == before
    run.undo()
    assert (tree(media), media.stat().st_ino) == (before, identity)
    assert limits.read_text() == "limit = 2\n"
    undone = {one.path: one.kept_path for one in queries.kept_files(shop.slug)}
    assert (Path(undone[str(media)]) / "inner" / "a").read_text() == "as it was"


@pytest.mark.parametrize("where", ["recovery.files_load.loaded", "recovery.files_place.placed"])
def test_killed_in_the_middle_it_goes_on_or_back(
    shop: Shop, paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    media, limits = paths
    before = tree(media)

    def killed(name: str) -> None:
        if name == where:
            raise Killed

    for undo in (False, True):
        run = start(shop, part=RestorePart.FILES, mode=RestoreMode.SWAP)
        with monkeypatch.context() as patch:
            patch.setattr(steps, "point", killed)
            with pytest.raises(Killed):
                run.do()
        run.epoch += 1
        if undo:
            undone_as_after_a_crash(run)
            assert tree(media) == before
            assert limits.read_text() == "limit = 2\n"
        else:
            run.do(*[step.key for step in run.run.steps if step.key not in run.receipts])
            assert (media / "inner" / "a").read_text() == "as it was"
            assert limits.read_text() == "limit = 1\n"
            run.undo()
            assert tree(media) == before
        PlanRun.objects.all().update(state="succeeded", finished_at=NOW)
        assert expire_kept_files(now=NOW) == []
        assert [*(media.parent / SIDE).glob("new-*")] == []


class Killed(BaseException):
    pass


def fails_at(patch: pytest.MonkeyPatch, number: int, why: BaseException) -> None:
    """The rename of this number does not come to be."""
    done, real = iter(range(1, 1000)), tree_swap._rename

    def rename(source: Path, target: Path, how: int) -> None:
        if next(done) == number:
            raise why
        real(source, target, how)

    patch.setattr(tree_swap, "_rename", rename)


def undone_as_after_a_crash(run: Run) -> None:
    """What was begun and has no receipt is looked up in the world, as the interpreter does."""
    for planned in reversed(run.run.steps[1:]):
        does, token = handler(planned.kind), FenceToken(run.run.id, run.epoch)
        found = run.receipts.get(planned.key) or does.check(run.context(planned, token))
        if found is not None:
            does.undo(run.context(planned, token), found)


@pytest.mark.parametrize("why", [Killed(), NotSwappable("No space left on device")])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_what_was_there_survives_the_clean_up_wherever_the_move_ended(
    shop: Shop, paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, number: int, why: BaseException
) -> None:
    media, limits = paths
    before, identity = tree(media), media.stat().st_ino
    run = start(shop, part=RestorePart.FILES, mode=RestoreMode.SWAP)
    with monkeypatch.context() as patch:
        fails_at(patch, number, why)
        with pytest.raises((Killed, StepFailed)):
            run.do()
    PlanRun.objects.all().update(state="cancelled", finished_at=NOW)
    assert expire_kept_files(now=NOW) == []
    beside = [*(media.parent / SIDE).glob("*"), *(limits.parent / SIDE).glob("*")]
    rows = {Path(row.kept_path) for row in KeptFiles.objects.filter(state=KeptState.KEPT)}
    assert set(beside) == rows  # nothing lies there that nobody will ever remove
    run.epoch += 1
    undone_as_after_a_crash(run)
    assert (tree(media), media.stat().st_ino) == (before, identity)
    assert limits.read_text() == "limit = 2\n"


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("again", ["the same undo", "another undo"])
def test_an_undo_that_was_killed_goes_on(
    shop: Shop, paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, number: int, again: str
) -> None:
    media, limits = paths
    before, identity = tree(media), media.stat().st_ino
    run = start(shop, part=RestorePart.FILES, mode=RestoreMode.SWAP)
    run.do()
    planned, undo = run.run.step("files_place"), FenceToken(uuid4(), 1)
    receipt, does = run.receipts["files_place"], handler(planned.kind)
    with monkeypatch.context() as patch:
        fails_at(patch, number, Killed())
        with pytest.raises(Killed):
            does.undo(run.context(planned, undo), receipt)
    PlanRun.objects.all().update(state="succeeded", finished_at=NOW)
    assert expire_kept_files(now=NOW) == []
    does.undo(run.context(planned, undo if again == "the same undo" else FenceToken(uuid4(), 1)), receipt)
    assert (tree(media), media.stat().st_ino) == (before, identity)
    assert limits.read_text() == "limit = 2\n"
    rows = {row.path: Path(row.kept_path) for row in queries.kept_files(shop.slug)}
    assert (rows[str(media)] / "inner" / "a").read_text() == "as it was"
    assert rows[str(limits)].read_text() == "limit = 1\n"


def test_what_was_kept_is_kept_longer_dropped_or_expires(shop: Shop, paths: tuple[Path, Path]) -> None:
    media, _limits = paths
    run = start(shop, part=RestorePart.FILES, mode=RestoreMode.SWAP)
    run.do()
    PlanRun.objects.all().update(state="succeeded", finished_at=NOW)
    one, other = queries.kept_files(shop.slug)
    expire_kept_files(now=NOW)
    assert {kept.size_bytes for kept in queries.kept_files(shop.slug)} == {16, 10}
    until = keep_longer(service=shop.slug, name=one.name, hours=24 * 60, actor=WORKER, now=NOW)
    assert until == NOW + timedelta(days=60)
    expire_kept_files(now=NOW + timedelta(days=20))
    assert [kept.name for kept in queries.kept_files(shop.slug)] == [one.name]
    assert not Path(other.kept_path).exists()
    drop_kept(service=shop.slug, name=one.name, actor=WORKER, now=NOW)
    assert {row.state for row in KeptFiles.objects.all()} == {KeptState.DROPPED}
    assert nothing_beside(media)
    with pytest.raises(NotUndoable):
        run.undo()
    assert (media / "inner" / "a").read_text() == "as it was"


def test_what_stands_in_the_way_is_said_before(shop: Shop, paths: tuple[Path, Path]) -> None:
    limits = paths[1]

    def refused(**asked: Any) -> list[str]:
        shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW, part=RestorePart.FILES, **asked)
        return [found.words for found in shown.verdict if found.answer == "no"]

    assert "absolute" in refused(folder="here")[0]
    assert "no folder" in refused(folder=str(shop.folder / "a" / "b" / "c" / "d"))[0]
    limits.unlink()
    limits.symlink_to("/etc/hosts")
    assert "is a link now" in refused(mode=RestoreMode.SWAP)[0]
    if os.geteuid() == 0:
        (shop.folder / "theirs").symlink_to(shop.folder / "etc")
        os.chown(shop.folder / "theirs", 54321, 54321, follow_symlinks=False)
        assert "is not root's" in refused(folder=str(shop.folder / "theirs" / "back"))[0]
    shop.declare_backup(files=None)
    old = take_backup(service=shop.slug, actor=WORKER, now=NOW + timedelta(hours=1))
    assert "no folders or files" in refused(backup_id=old.id)[0]


def test_nobody_looks_around_on_the_machine_through_the_verdict(
    shop: Shop, paths: tuple[Path, Path], member: Any, owner: Any, administrator: Any
) -> None:
    media, _limits = paths
    (shop.folder / "var").mkdir(exist_ok=True)
    (shop.folder / "var" / "out").symlink_to("/root")
    (media.parent / "secret").mkdir()
    browser = Client()

    def asked(folder: str) -> Any:
        what = {"service": shop.slug, "part": "files", "folder": folder}
        return browser.post("/api/v1/restores", what, content_type="application/json")

    def words(folder: str) -> str:
        """The answer without what was asked for."""
        said = asked(folder).json()
        shown = said.get("error") or [found for found in said["verdict"] if found["key"].startswith("files")]
        return str(shown).replace(f"“{folder}”", "")

    for person in (member, owner):
        browser.force_login(person)
        for there, not_there in (
            ("/root/.ssh", "/root/.no-such"),
            ("/etc/shadow", "/etc/no-such"),
            (f"{media.parent}/secret", f"{media.parent}/no-such"),
            (f"{shop.folder}/var/out/.ssh", f"{shop.folder}/var/out/.no-such"),
            (f"{media}/inner", f"{media}/no-such"),
            (f"{media.parent}", "/"),
        ):
            answer = asked(there)
            assert (answer.status_code, answer.json()["error"]["field"]) == (422, "folder"), there
            assert f"{shop.folder}/var/…, {media.parent}/loja-api-…" in answer.json()["error"]["message"]
            assert words(there) == words(not_there)
        # What is no path at all is refused by its words alone.
        for none in ("/srv\0", f"/srv/{'x' * 256}", "/srv" * 1000, "\ud800"):
            assert asked(none).status_code == 422, none
        assert words("/srv/../etc/shadow") == words("/srv/../etc/no-such")
        for mine in (f"{media.parent}/loja-api-old", f"{shop.folder}/etc/loja-api-x", f"{shop.folder}/var/back"):
            assert (asked(mine).status_code, asked(mine).json()["refused"]) == (201, False), mine
    backup = queries.latest_backup(shop.slug)
    assert backup is not None
    form = {"backup": str(backup.id), "mode": "beside", "part": "files", "folder": "/root/.ssh"}
    page = browser.post(f"/backups/{shop.slug}/restores/", form)
    at_its_field = page.content.decode().partition('id="id_folder_error"')[2].partition("</div>")[0]
    assert (page.status_code, "não é uma pasta para estes arquivos" in at_its_field) == (422, True)
    browser.force_login(administrator)
    assert asked(f"{media.parent}/secret").json()["refused"]
    assert not asked(str(shop.folder / "elsewhere")).json()["refused"]


def test_a_service_without_a_database_is_backed_up_and_restored(shop: Shop, paths: tuple[Path, Path]) -> None:
    media, _limits = paths
    shop.declare(database=None)
    take_backup(service=shop.slug, actor=WORKER, now=NOW + timedelta(hours=1))
    (media / "new").unlink()
    run = start(shop, mode=RestoreMode.SWAP)
    assert [step.key for step in run.run.steps] == ["preflight", "files_load", "files_place"]
    run.do()
    assert (media / "new").read_text() == "new"
    (kept,) = [one for one in queries.kept_files(shop.slug) if one.path == str(media)]
    assert [*(media.parent / SIDE).iterdir()] == [Path(kept.kept_path)]


def test_page_api_and_command_restore_files_by_the_same_verb(shop: Shop, paths: tuple[Path, Path], owner: Any) -> None:
    media, limits = paths
    browser, runner = Client(), CliRunner()
    browser.force_login(owner)
    page = browser.get(f"/backups/{shop.slug}/").content.decode()
    assert str(media) in page
    address = f"/backups/{shop.slug}/restores/"
    backup = queries.latest_backup(shop.slug)
    assert backup is not None
    form = {"backup": str(backup.id), "mode": "swap", "part": "files"}
    shown = browser.get(browser.post(address, form).headers["Location"]).content.decode()
    assert f"{media} será substituído e guardado" in shown
    assert "disabled" not in shown
    token = create_token(name="t", user_email=owner.email, actor=WORKER, now=utc_now()).secret
    headers = {"Authorization": f"Bearer {token}"}
    listed = browser.get(f"/api/v1/backups?service={shop.slug}", headers=headers).json()
    assert [root["path"] for root in listed[0]["files"]["roots"]] == [str(media), str(limits)]
    asked = {"service": shop.slug, "part": "files", "mode": "swap"}
    made = browser.post("/api/v1/restores", asked, content_type="application/json", headers=headers).json()
    assert (made["part"], made["refused"]) == ("files", False)
    done = runner.invoke(app, ["preview", shop.slug, "--part", "files", "--swap", "--start", "--json"])
    assert done.exit_code == 0, done.output
    run = Run(json.loads(done.stdout)["run_id"])
    run.do()
    assert "files_kept_" in runner.invoke(app, ["kept", shop.slug]).output
    assert "files_kept_" in browser.get(address).content.decode()
    kept = browser.get(f"/api/v1/kept-files?service={shop.slug}", headers=headers).json()
    assert {one["path"] for one in kept} == {str(media), str(limits)}
    said = runner.invoke(backup_app, ["show", shop.slug])
    assert f"of {media}" in said.output
    sealed = Path(backup.replicas[0].place, backup.object_name)
    key = ["--identity-file", str(shop.service.backup.identity_file), "--unpack", str(shop.folder / "out")]
    assert runner.invoke(backup_app, ["open", str(sealed), *key]).exit_code == 0
    assert (shop.folder / "out" / "files" / "media" / "inner" / "a").read_text() == "as it was"
    assert (shop.folder / "out" / "database.dump").read_bytes()[:5] == b"PGDMP"
