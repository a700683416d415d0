"""What tests do with a shop whose server is backed up whole, with its log."""

from __future__ import annotations

from typing import Any

import psycopg

from bonanca.access.actors import SYSTEM
from bonanca.actuators.postgres.sessions import at_database
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries, receiving
from bonanca.recovery.engines import Target
from bonanca.recovery.models import WalFile
from bonanca.recovery.operations.archive_wal import archive_wal
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.tests.shop import Shop
from bonanca.recovery.tests.test_restore import finish, restore
from tests.support.poll import eventually

WORKER = SYSTEM("test")


def drop_slot(shop: Shop) -> None:
    name = receiving.slot_name(shop.slug)
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:

        def dropped() -> bool:
            query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
            admin.execute(query, (name,))
            return True

        eventually(dropped, timeout_s=60, ignoring=psycopg.errors.ObjectInUse)


def take(shop: Shop) -> Any:
    return take_backup(service=shop.slug, actor=WORKER, now=utc_now())


def switch(shop: Shop) -> None:
    """End the segment on the server, and wait until everything before has been received and archived."""
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        (name,) = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or ("",)

    def archived() -> bool:
        assert archive_wal(now=utc_now()) == []
        return WalFile.objects.filter(name=name, complete=True).exists()

    eventually(archived, timeout_s=60)


def begin(shop: Shop) -> None:
    """The receiver runs before the first backup: nothing of the log is missed."""
    eventually(lambda: archive_wal(now=utc_now()) == [] and queries.wal_of(shop.slug).running, timeout_s=60)


def moment(shop: Shop) -> str:
    return str(
        shop.ask("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')")[0][0]
    )


def order(shop: Shop, number: int) -> None:
    shop.run(f"INSERT INTO orders (number, total_cents) VALUES ({number}, 1)")


def went_back(shop: Shop, target: Target) -> list[int]:
    """Restore to the target beside the running database; the numbers of the orders that are there."""
    name = f"{shop.name}_back"
    finish(restore(shop, target=target, into=name))
    return [number for number in shop.numbers(name) if number > 500]
