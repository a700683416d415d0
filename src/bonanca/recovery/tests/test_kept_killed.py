"""What is dropped or stored while its worker dies: said as it was, and nothing is left that nobody knows of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bonanca.durable import crashpoints
from bonanca.kernel.audit import history
from bonanca.kernel.errors import Unavailable
from bonanca.recovery import queries
from bonanca.recovery.folders import sealed_wal_folder
from bonanca.recovery.models import Kept, WalFile
from bonanca.recovery.operations import archive_wal, drop_kept
from bonanca.recovery.operations.keep_replaced import keep_replaced
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.state import RestoreMode
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.recovery.tests.test_restore import WORKER, finish, restore


class Died(BaseException):
    """As SIGKILL."""


@contextmanager
def dying_at(place: str) -> Iterator[None]:
    def die(name: str) -> None:
        if name == place:
            raise Died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Died):
            yield


def kept_one(shop: Shop) -> Kept:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    finish(restore(shop, mode=RestoreMode.SWAP))
    assert keep_replaced(now=NOW) == []
    return Kept.objects.get()


def test_a_kept_database_whose_dropping_was_cut_off_is_said_to_be_dropped_by_whom_asked(shop: Shop) -> None:
    row = kept_one(shop)
    with dying_at("recovery.kept.dropped"):
        drop_kept.drop_kept(service=shop.slug, name=row.name, actor=WORKER, now=NOW)
    assert shop.databases() == {shop.name}
    assert keep_replaced(now=NOW) == []
    row.refresh_from_db()
    said = history(f"kept:{row.pk}")[-1]
    assert (row.state, said.action, said.actor) == ("dropped", "kept.dropped", WORKER.label)


def test_a_drop_that_was_cut_off_before_the_server_did_it_is_done(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    row = kept_one(shop)

    def dies(dsn: str, **_more: object) -> bool:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(drop_kept, "drop_database", dies)
        with pytest.raises(Died):
            drop_kept.drop_kept(service=shop.slug, name=row.name, actor=WORKER, now=NOW)
    assert row.name in shop.databases()
    assert keep_replaced(now=NOW) == []
    assert shop.databases() == {shop.name}
    row.refresh_from_db()
    assert row.state == "dropped"


def test_a_drop_that_the_server_refused_is_not_tried_again_behind_ones_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = kept_one(shop)

    def refuses(dsn: str, **_more: object) -> bool:
        raise Unavailable("no")

    with monkeypatch.context() as patch:
        patch.setattr(drop_kept, "drop_database", refuses)
        with pytest.raises(Unavailable):
            drop_kept.drop_kept(service=shop.slug, name=row.name, actor=WORKER, now=NOW)
    assert keep_replaced(now=NOW) == []
    assert [kept.name for kept in queries.kept_databases(shop.slug)] == [row.name]


def test_a_sealed_segment_that_every_place_has_does_not_stay_on_this_machine(shop: Shop) -> None:
    policy = shop.service.backup
    assert policy is not None
    sealed = sealed_wal_folder(shop.slug) / "7-000000010000000000000001.bnc"
    sealed.write_bytes(b"sealed")
    WalFile.objects.create(
        service=shop.slug, system_identifier="7", name="000000010000000000000001", timeline=1, number=1,
        received_at=NOW, object_name="x", size_bytes=6, sha256="", places=dict.fromkeys(policy.replicas, "pending"),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_wal, "_store", lambda spec, parcel: "")
        with dying_at("recovery.wal.stored"):
            archive_wal._store_all(shop.service, policy)
    assert WalFile.objects.get().complete
    assert sealed.exists()
    other = sealed.with_name("7-000000010000000000000002.bnc")
    other.write_bytes(b"of no row yet")
    assert archive_wal._store_all(shop.service, policy) == []
    assert not sealed.exists()
    assert other.exists()
    other.unlink()
