"""A server with a pgBackRest of its own, as a team has set it up before Bonança came."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg

from bonanca.actuators.postgres.sessions import at_database
from bonanca.recovery.tests.shop import Shop
from tests.support.poll import eventually
from tests.support.postgres_of import Server


class Kept:
    """A server and its pgBackRest: the first repository is in the clear, the second has pgBackRest's cipher."""

    def __init__(self, folder: Path, major: int) -> None:
        self.folder, self.config = folder, folder / "pgbackrest.conf"
        archive = f"pgbackrest --config={self.config} --stanza=loja archive-push %p"
        self.server = Server(folder / "server", major, fsync="off", archive_mode="on", archive_command=archive)

    def start(self) -> None:
        for name in ("spool", "lock", "log"):
            (self.folder / name).mkdir(parents=True)
        self.server.create()
        ours = {name: self.folder / name for name in ("repo1", "repo2", "lock", "log", "spool")}
        self.config.write_text(
            f"[global]\nrepo1-path={ours['repo1']}\nrepo1-retention-full=9\nrepo2-path={ours['repo2']}\n"
            "repo2-cipher-type=aes-256-cbc\nrepo2-cipher-pass=a passphrase of its own\nrepo2-retention-full=9\n"
            "start-fast=y\njob-retry=0\ncompress-type=zst\ncompress-level=1\nlog-level-file=off\n"
            f"lock-path={ours['lock']}\nspool-path={ours['spool']}\nlog-path={ours['log']}\n"
            f"[loja]\npg1-path={self.server.data}\npg1-port={self.server.port}\n"
            f"pg1-socket-path={self.server.sockets}\npg1-user=postgres\n"
        )
        self.server.start()
        self.run("stanza-create")

    def run(self, *words: str) -> None:
        argv = ["pgbackrest", f"--config={self.config}", "--stanza=loja", *words]
        subprocess.run(argv, check=True, capture_output=True)

    def damage(self, repository: str, label: str) -> str:
        """Change one byte of a file of a backup; returns its name."""
        # Of the template, which no test drops: so every backup that stands on this one needs it.
        files = (self.folder / repository / "backup" / "loja" / label / "pg_data" / "base" / "1").rglob("*.zst")
        path = max(files, key=lambda file: file.stat().st_size)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(data)
        return path.name


def archived(shop: Shop) -> None:
    """End the segment, and wait until pgBackRest has it."""
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        (name,) = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or ("",)

        def there() -> bool:
            query = "SELECT last_archived_wal >= %s FROM pg_stat_archiver"
            return admin.execute(query, (name,)).fetchone() == (True,)

        eventually(there, timeout_s=60)
