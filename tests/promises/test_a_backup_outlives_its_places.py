"""A backup outlives its places: one is lost, one is damaged, one was broken at first, and it still comes back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bonanca.recovery.tests.conftest import make_shop, shop, shop_server

if TYPE_CHECKING:
    from bonanca.recovery.tests.shop import Shop

__all__ = ["make_shop", "shop", "shop_server"]


def test_a_backup_comes_back_while_one_place_is_left_and_is_soon_everywhere_again(shop: Shop) -> None:
    from bonanca.access.actors import SYSTEM
    from bonanca.recovery import queries
    from bonanca.recovery.operations.check_backup import check_backup
    from bonanca.recovery.operations.copy_backups import copy_backups
    from bonanca.recovery.operations.take_backup import take_backup
    from bonanca.recovery.operations.verify_backup import verify_backup
    from bonanca.recovery.state import DrillState
    from bonanca.recovery.tests.shop import NOW

    somebody = SYSTEM("test")
    folders = [shop.folder / name for name in ("first", "second", "third")]
    shop.declare_backup(replicas=tuple(map(str, folders)))

    # The third place is broken when the backup is taken. The backup is there all the same, and its copy comes later.
    folders[2].write_text("in the way")
    backup = take_backup(service=shop.slug, actor=somebody, now=NOW)
    assert backup.intact == 2
    folders[2].unlink()
    copy_backups(now=NOW + timedelta(minutes=1))
    assert queries.get_backup(backup.id).intact == 3

    # One copy is lost, one is damaged: the last one is restored, and the others are named.
    (folders[0] / backup.object_name).unlink()
    damaged = folders[1] / backup.object_name
    damaged.write_bytes(damaged.read_bytes()[:-7])
    assert verify_backup(backup.id, actor=somebody, now=NOW).state is DrillState.PASSED
    named = [replica.place for replica in queries.get_backup(backup.id).replicas if replica.error]
    assert named == [str(folders[0]), str(folders[1])]

    # Repaired, it is the same everywhere, byte for byte.
    assert check_backup(backup.id, actor=somebody, now=NOW, repair=True).ok
    assert len({Path(folder, backup.object_name).read_bytes() for folder in folders}) == 1
