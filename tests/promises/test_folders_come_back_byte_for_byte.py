"""Folders and configuration go into the backup as they are and come back so, and so does what a restore replaced."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.catalog.documents.load import load_text
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries
from bonanca.recovery.fetching import NoReplicaIntact
from bonanca.recovery.identities import create_identity_file
from bonanca.recovery.operations.propose_restore import propose_restore
from bonanca.recovery.operations.start_restore import start_restore
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.state import DrillState, RestoreMode
from bonanca.recovery.tests.test_restore import Run

WORKER = SYSTEM("test")
CATALOG = """
version: 1
teams: [{slug: loja, name: Loja}]
services:
  - slug: loja-arquivos
    team: loja
    root: app
    backup:
      replicas: [places/a, places/b]
      recipients: [%s]
      identity_file: key.age
      files: {paths: [media, ../etc/app.toml], exclude: ["*.tmp"]}
"""


def seen(path: Path) -> list[tuple]:
    """Everything that one can see of a tree: names, kinds, content, modes, owners, times."""
    found = []
    for one in [path, *sorted(path.rglob("*"))]:
        stat = one.lstat()
        content = one.readlink() if one.is_symlink() else one.read_bytes() if one.is_file() else None
        mode = None if one.is_symlink() else stat.st_mode
        found.append((one.relative_to(path), content, mode, stat.st_uid, stat.st_gid, stat.st_mtime_ns))
    return found


@pytest.mark.django_db
def test_folders_come_back_byte_for_byte(tmp_path: Path) -> None:
    # A service without a database has folders and a configuration; nobody who may write there leads us out of them.
    media, config = tmp_path / "app" / "media", tmp_path / "etc" / "app.toml"
    (media / "2026").mkdir(parents=True)
    (media / "2026" / "photo.jpg").write_bytes(os.urandom(200_000))
    (media / "latest").symlink_to("2026/photo.jpg")
    (media / "away").symlink_to("/etc")
    (media / "half.tmp").write_text("half")
    config.parent.mkdir()
    config.write_text("limit = 1\n")
    config.chmod(0o640)
    text = CATALOG % create_identity_file(tmp_path / "key.age")
    catalog = load_text(text, name="bonanca.yaml", base=tmp_path)
    with transaction.atomic():
        apply_catalog(catalog, source="test", actor=WORKER, now=utc_now())

    # A backup takes them, and is proven by writing every file once more and comparing it.
    backup = take_backup(service="loja-arquivos", actor=WORKER, now=utc_now())
    assert backup.files is not None
    assert (backup.files["files"], backup.files["left_count"]) == (2, 0)
    assert verify_backup(backup.id, actor=WORKER, now=utc_now()).state is DrillState.PASSED
    as_taken = [one for one in seen(media) if one[0].name != "half.tmp"]

    # Then somebody deletes the photos and breaks the configuration. The restore puts both back at once …
    shutil.rmtree(media / "2026")
    config.write_text("limit = \n")
    as_broken = seen(media)
    shown = propose_restore(service="loja-arquivos", mode=RestoreMode.SWAP, actor=WORKER, now=utc_now())
    assert not shown.refused
    run = Run(start_restore(shown.id, actor=WORKER, now=utc_now()).run_id)
    run.do()
    assert seen(media) == as_taken
    assert (config.read_text(), config.stat().st_mode & 0o777) == ("limit = 1\n", 0o640)

    # … and can itself be taken back, while what it had brought is kept.
    assert len(queries.kept_files("loja-arquivos")) == 2
    run.undo()
    assert seen(media) == as_broken
    assert config.read_text() == "limit = \n"
    assert len(queries.kept_files("loja-arquivos")) == 2

    # A backup that is damaged in every place says so, with the place and the name of the file.
    for place in ("a", "b"):
        sealed = tmp_path / "places" / place / backup.object_name
        data = bytearray(sealed.read_bytes())
        data[len(data) // 2] ^= 1
        sealed.write_bytes(data)
    with pytest.raises(NoReplicaIntact, match=backup.object_name):
        verify_backup(backup.id, actor=WORKER, now=utc_now())
