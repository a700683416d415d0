"""What each kind of pin costs: how long writes wait, how long it takes, how long bringing the data back takes.

Usage: .venv/bin/python -m bench.pins [SCALE …]   (pgbench scales; 10 is about 150 MB, 50 about 750 MB)

A durable server of its own in a temporary folder, four writers that update all the time. `writes wait` is the longest
time between two commits of any of them, beside what it is without a pin.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg

from bonanca.actuators.postgres.basebackup import server_facts, stream_base_backup
from bonanca.actuators.postgres.binaries import pg_bin, pg_environment
from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.databases import copy_database, swap_databases
from bonanca.actuators.postgres.dump import dump_folder, exported_snapshot
from bonanca.actuators.postgres.recovered import recovered_server
from bonanca.actuators.postgres.restoring import restore_as_new
from bonanca.actuators.postgres.sessions import at_database
from bonanca.durable.context import FenceToken
from bonanca.kernel.boot import setup_django

WRITERS = 4


class Writers:
    """Sessions that write all the time, and come again when they are ended."""

    def __init__(self, dsn: str, rows: int) -> None:
        self.dsn, self.rows, self.longest, self.stop = dsn, rows, 0.0, threading.Event()
        self.threads = [threading.Thread(target=self._write) for _number in range(WRITERS)]

    def __enter__(self) -> Writers:
        for thread in self.threads:
            thread.start()
        time.sleep(2)
        self.longest = 0.0
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _write(self) -> None:
        last = time.monotonic()
        while not self.stop.is_set():
            try:
                with psycopg.connect(self.dsn, autocommit=True) as connection:
                    while not self.stop.is_set():
                        account = random.randint(1, self.rows)
                        connection.execute(
                            "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = %s", (account,)
                        )
                        now = time.monotonic()
                        self.longest, last = max(self.longest, now - last), now
            except psycopg.OperationalError:
                continue


def measured(dsn: str, rows: int, act: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the longest wait for a commit, and seconds that the act took."""
    with Writers(dsn, rows) as writers:
        began = time.monotonic()
        act()
        took = time.monotonic() - began
        time.sleep(0.5)
    return writers.longest, took


def token() -> FenceToken:
    return FenceToken(uuid4(), 1)


def snapshot(dsn: str, folder: Path, target: str) -> None:
    with exported_snapshot(dsn) as seen:
        dump_folder(dsn, folder, snapshot=seen.name)
    restore_as_new(dsn, archive=folder, target=target, like="bank", token=token(), key=target)
    shutil.rmtree(folder)


def point(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_create_restore_point('pin')")


def from_log(server: Cluster, folder: Path) -> float:
    """Seconds from a base backup on this disk to a database beside: unpack, replay, dump, load (nothing is sealed)."""
    dsn, facts = server.dsn("bank"), server_facts(server.dsn("bank"))
    folder.mkdir()
    with (folder / "base.tar").open("wb") as out:
        stream_base_backup(dsn, write=out.write)
    began = time.monotonic()
    with tarfile.open(folder / "base.tar") as tar:
        (folder / "server" / "data").mkdir(parents=True)
        tar.extractall(folder / "server" / "data", filter="data")
    target = {"": "immediate", "timeline": str(facts.timeline)}
    with recovered_server(
        folder / "server", version=facts.version, superuser=facts.superuser, wal=None, target=target
    ) as recovered:
        dump_folder(at_database(recovered, "bank"), folder / "dump")
    restore_as_new(dsn, archive=folder / "dump", target="bank_log", like="bank", token=token(), key="log")
    took = time.monotonic() - began
    shutil.rmtree(folder)
    return took


def main(scales: list[int]) -> None:
    home = Path(tempfile.mkdtemp(prefix="bonanca-pins-"))
    os.environ.setdefault("BONANCA_HOME", str(home / "home"))
    # Nothing is asked of Bonança's own database; the errors of the parts that are measured need its settings.
    os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    setup_django()
    server = Cluster(home / "server")
    try:
        server.init()
        server.start()
        server.wait_ready()
        print("scale      MB  pin                 writes wait    takes   data back in   interrupted")
        for scale in scales:
            one_size(server, home, scale)
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def one_size(server: Cluster, home: Path, scale: int) -> None:
    """Take and use each kind of pin on a database of this scale; print a line each."""
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE bank")
    dsn, rows = server.dsn("bank"), scale * 100_000
    fill = [str(pg_bin("pgbench")), "-i", "-q", "-s", str(scale), dsn]
    subprocess.run(fill, check=True, env=pg_environment(), stderr=subprocess.DEVNULL)
    with psycopg.connect(dsn) as asked:
        size = asked.execute("SELECT pg_database_size('bank')").fetchall()[0][0] / 1e6

    def show(name: str, wait: float, took: float, back: float, held: float) -> None:
        print(f"{scale:5} {size:7.0f}  {name:20}{wait:8.2f} s {took:6.1f} s {back:12.1f} s {held:11.2f} s", flush=True)

    wait, _took = measured(dsn, rows, lambda: time.sleep(5))
    print(f"{scale:5} {size:7.0f}  {'none':20}{wait:8.2f} s", flush=True)
    wait, took = measured(
        dsn, rows, lambda: copy_database(dsn, source="bank", target="pin_copy", key="copy", token=token())
    )
    began = time.monotonic()
    copy_database(dsn, source="pin_copy", target="back", key="back", token=token())
    back = time.monotonic() - began
    held = swap_databases(dsn, live="bank", incoming="back", keep_as="kept", key="swap", token=token())["held_s"]
    show("copy", wait, took, back, held)
    wait, took = measured(dsn, rows, lambda: snapshot(dsn, home / "dump", "pin_snapshot"))
    show("snapshot", wait, took, back, held)
    wait, took = measured(dsn, rows, lambda: point(dsn))
    show("log", wait, took, from_log(server, home / "log"), held)
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        for name in ("bank", "pin_copy", "kept", "pin_snapshot", "bank_log"):
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.execute("DELETE FROM bonanca_effect")


if __name__ == "__main__":
    main([int(scale) for scale in sys.argv[1:]] or [10, 50])
