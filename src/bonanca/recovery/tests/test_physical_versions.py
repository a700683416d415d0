"""Physical backups of servers that are older than the programs of ours: PostgreSQL 15 to 17, those that are here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from bonanca.catalog.spec import PhysicalSpec, WalSpec
from bonanca.kernel.clock import utc_now
from bonanca.recovery import folders, receiving
from bonanca.recovery.engines import Target
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.state import BackupState
from bonanca.recovery.tests.logged import WORKER, begin, drop_slot, moment, order, switch, take, went_back
from bonanca.recovery.tests.shop import Shop, create_shop
from tests.support.postgres_of import Server, programs_of

VERSIONS = (17, 16, 15)
# 16 comes with the wheel, another with the distribution (scripts/test-needs).
HERE = [version for version in VERSIONS if programs_of(version) is not None]


@pytest.fixture(params=HERE)
def older(tmp_path: Path, db: None, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A shop on a server of an older version, backed up whole with its log."""
    server = Server(tmp_path / "server", request.param, fsync="off")
    server.create()
    server.start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE loja")
        shop = create_shop(server.dsn("loja"), "loja", tmp_path)
        policy = shop.service.backup
        assert policy is not None
        physical = PhysicalSpec(full_every_h=1000, wal=WalSpec(switch_every_s=3600))
        shop.declare(backup=replace(policy, physical=physical))
        yield shop
        for folder in receiving.received_here():
            receiving.stop_receiving(folder)
        drop_slot(shop)
    finally:
        server.stop()
        shutil.rmtree(folders.root() / "wal", ignore_errors=True)


def test_an_older_server_is_backed_up_drilled_and_gone_back_in_to_a_moment(older: Shop) -> None:
    begin(older)
    backup = take(older)
    assert (backup.engine, backup.state, backup.server_version in VERSIONS) == ("physical", BackupState.STORED, True)
    drill = verify_backup(backup.id, actor=WORKER, now=utc_now())
    assert drill.evidence["counts"]["rows"] == 100
    order(older, 501)
    at = moment(older)
    order(older, 502)
    switch(older)
    assert went_back(older, Target("time", at)) == [501]
    assert went_back(older, Target("latest")) == [501, 502]
    second = take(older)
    if second.server_version < 17:
        # Its server cannot tell what changed: each backup is a full one, although one that is young is there.
        assert second.parent_id is None
    assert folders.everything_temporary() == []
