"""Folders and files in backups: taken with or without a database, named when they are not whole, compared again."""

from __future__ import annotations

import os
import socket
import stat
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.actuators.files.tree_read import PathUnusable
from bonanca.catalog.spec import FilesSpec, PhysicalSpec
from bonanca.recovery import folders
from bonanca.recovery.bundle import BundleWriter, FilesReader, members_of
from bonanca.recovery.bundle.files import TooManyFiles
from bonanca.recovery.engines.files import taken_files
from bonanca.recovery.envelope import EnvelopeDamaged
from bonanca.recovery.identities import read_identity_file
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.state import BackupState, DrillState
from bonanca.recovery.tests.shop import NOW, Shop

WORKER = SYSTEM("test")


@pytest.fixture
def media(shop: Shop) -> Path:
    """A tree with everything that a tree may have, declared beside the shop's database."""
    media = shop.folder / "srv" / "media"
    (media / "deep" / "er").mkdir(parents=True)
    (media / "a.txt").write_text("first\n")
    (media / "deep" / "er" / "photo.jpg").write_bytes(os.urandom(300_000))
    (media / "empty").mkdir()
    (media / "empty" / "nothing").touch()
    (media / "caché-ação.txt").write_text("ç")
    Path(os.fsdecode(os.fsencode(media) + b"/not-\xff-utf8")).write_text("bytes")
    (media / "to-a").symlink_to("a.txt")
    (media / "away").symlink_to("/etc/passwd")
    (media / "locked").mkdir()
    (media / "locked" / "x").write_text("x")
    (media / "a.txt").chmod(0o640)
    os.utime(media / "a.txt", ns=(1, 1_234_567_890_123_456_789))
    (media / "locked").chmod(0o500)
    os.utime(media / "deep", ns=(1, 999_000_000_001))
    shop.declare_backup(files=FilesSpec((media, shop.folder / "loja.toml"), exclude=("*.tmp",)))
    return media


def tree(top: Path) -> dict[str, tuple]:
    """What lies there: names, kinds, content, modes, times of everything."""
    found = {}
    for path in [top, *sorted(top.rglob("*"))]:
        seen = path.lstat()
        content: object = None
        if stat.S_ISLNK(seen.st_mode):
            content = str(path.readlink())
        elif stat.S_ISREG(seen.st_mode):
            content = path.read_bytes()
        mode = None if stat.S_ISLNK(seen.st_mode) else stat.S_IMODE(seen.st_mode)
        found[str(path.relative_to(top))] = (content, mode, seen.st_uid, seen.st_gid, seen.st_mtime_ns)
    return found


def extracted(shop: Shop, backup, folder: Path) -> FilesReader:
    folder.mkdir()
    identities = read_identity_file(shop.service.backup.identity_file)
    reader = FilesReader({0: folder / "0", 1: folder / "1"})
    sealed = Path(backup.replicas[0].place, backup.object_name)
    with members_of(sealed, identities) as members:
        for member, content in members:
            if reader.takes(member):
                reader.take(member, content)
    return reader


@pytest.mark.parametrize("engine", ["logical", "files", "physical"])
def test_files_come_back_as_they_were(shop: Shop, media: Path, engine: str) -> None:
    if engine == "files":
        shop.declare(database=None)
    if engine == "physical":
        shop.declare_backup(physical=PhysicalSpec())
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert (backup.state, backup.engine) == (BackupState.STORED, engine)
    assert backup.files is not None
    before = tree(media)
    assert backup.files["files"] == sum(isinstance(one[0], bytes) for one in before.values()) + 1
    assert [root["path"] for root in backup.files["roots"]] == [str(media), str(shop.folder / "loja.toml")]
    assert (backup.files["left_count"], backup.files["changed_count"]) == (0, 0)
    drill = verify_backup(backup.id, actor=WORKER, now=NOW)
    assert drill.state is DrillState.PASSED
    assert drill.evidence["files"]["bytes"] == backup.files["bytes"]
    assert bool(drill.evidence["counts"]) is (engine != "files")
    assert folders.everything_temporary() == []
    reader = extracted(shop, backup, shop.folder / "out")
    assert (reader.done, reader.owners_lost) == (True, 0)
    assert tree(shop.folder / "out" / "0") == before
    assert (shop.folder / "out" / "1").read_text() == "limit = 10\n"


def test_what_cannot_be_taken_is_named(shop: Shop, media: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(media / "s"))
        os.mkfifo(media / "pipe")
        (media / "scratch.tmp").write_text("no")
        (media / "places").mkdir()
        shop.declare_backup(replicas=(str(media / "places"),))
        backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert backup.files is not None
    assert dict(backup.files["left"]) == {
        str(media / "s"): "a socket",
        str(media / "pipe"): "a pipe",
        str(media / "places"): "it belongs to the backups themselves",
    }


def test_a_file_that_changes_while_it_is_read_is_named(shop: Shop, media: Path) -> None:
    big = media / "big.log"
    big.write_bytes(os.urandom(16_000_000))
    written = []

    def write(data: bytes) -> None:
        written.append(len(data))
        if sum(written) > 2_000_000 and big.stat().st_size > 10:
            os.truncate(big, 10)

    taken = taken_files(shop.service, BundleWriter(write), on_bytes=lambda done: None)
    assert taken["files"]["changed"] == [str(big)]


def test_more_than_is_declared_is_refused_before_anything_is_read(shop: Shop, media: Path) -> None:
    spec = shop.service.backup.files
    (media / "large").write_bytes(bytes(1_100_000))
    shop.declare_backup(files=replace(spec, at_most_mb=1))
    with pytest.raises(TooManyFiles, match="1 MB"):
        take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shop.declare_backup(files=replace(spec, at_most_files=3))
    with pytest.raises(TooManyFiles, match="3 files"):
        take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shop.declare_backup(files=FilesSpec((shop.folder / "gone",)))
    with pytest.raises(PathUnusable, match="gone"):
        take_backup(service=shop.slug, actor=WORKER, now=NOW)
    (shop.folder / "leads-away").symlink_to("/etc")
    shop.declare_backup(files=FilesSpec((shop.folder / "leads-away",)))
    with pytest.raises(PathUnusable, match="is a link"):
        take_backup(service=shop.slug, actor=WORKER, now=NOW)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "link/evil", "twice"])
def test_no_name_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    import io

    (tmp_path / "outside").mkdir()
    reader = FilesReader({0: tmp_path / "top"})

    def member(path: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
        found = tarfile.TarInfo(f"bonanca-files/0/{path}" if path else "bonanca-files/0")
        found.type, found.linkname, found.mode = kind, target, 0o755
        return found

    reader.take(member("", tarfile.DIRTYPE), io.BytesIO())
    reader.take(member("link", tarfile.SYMTYPE, str(tmp_path / "outside")), io.BytesIO())
    reader.take(member("twice"), io.BytesIO())
    with pytest.raises(EnvelopeDamaged):
        reader.take(member(name), io.BytesIO(b"evil"))
    reader.close()
    assert list((tmp_path / "outside").iterdir()) == []
    assert not (tmp_path / "evil").exists()


def test_a_damaged_copy_names_the_place_and_the_file_in_it(shop: Shop, media: Path) -> None:
    shop.declare_backup(replicas=(str(shop.folder / "a"),))
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    sealed = Path(backup.replicas[0].place, backup.object_name)
    data = bytearray(sealed.read_bytes())
    data[len(data) // 2] ^= 1
    sealed.write_bytes(data)
    with pytest.raises(EnvelopeDamaged, match="Chunk 0"):
        extracted(shop, backup, shop.folder / "out")
    from bonanca.recovery.fetching import NoReplicaIntact

    with pytest.raises(NoReplicaIntact, match=backup.object_name):
        verify_backup(backup.id, actor=WORKER, now=NOW)
