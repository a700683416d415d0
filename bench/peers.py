"""pgBackRest beside us: Debian's package, on a repository of its own, as its manual sets it up."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from bonanca.actuators.postgres.binaries import pg_environment
from tests.support.postgres_of import Server

STANZA = "bench"
# Which servers a pgBackRest knows: from its release notes.
NEWEST_SERVER = ((2, 55), 18), ((2, 54), 17), ((2, 48), 16), ((2, 42), 15), ((2, 36), 14)


def pgbackrest_version() -> tuple[int, int] | None:
    """Of the installed program; None: it is not installed."""
    program = shutil.which("pgbackrest")
    if program is None:
        return None
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    assert found is not None, said
    return int(found[1]), int(found[2])


def newest_server(version: tuple[int, int]) -> int:
    """The newest major version of PostgreSQL that this pgBackRest can back up."""
    return next((major for since, major in NEWEST_SERVER if version >= since), 13)


class PgBackRest:
    """One stanza of one server, in one repository: zstd, two processes, no encryption."""

    def __init__(self, folder: Path, processes: int = 2) -> None:
        self.folder, self.processes = folder, processes
        self.config = folder / "pgbackrest.conf"

    def archive_command(self) -> str:
        return f"pgbackrest --config={self.config} --stanza={STANZA} archive-push %p"

    def configure(self, server: Server) -> None:
        for name in ("repo", "spool", "lock", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            f"[global]\nrepo1-path={self.folder / 'repo'}\nrepo1-retention-full=2\nstart-fast=y\n"
            f"compress-type=zst\ncompress-level=1\nprocess-max={self.processes}\nlog-level-file=off\n"
            f"lock-path={self.folder / 'lock'}\nspool-path={self.folder / 'spool'}\nlog-path={self.folder / 'log'}\n"
            f"log-level-console=warn\n[{STANZA}]\npg1-path={server.data}\npg1-port={server.port}\n"
            f"pg1-socket-path={server.sockets}\npg1-user=postgres\n"
        )

    def run(self, *words: str) -> str:
        argv = ["pgbackrest", f"--config={self.config}", f"--stanza={STANZA}", *words]
        done = subprocess.run(argv, capture_output=True, text=True, env=pg_environment(), cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout

    def restore_to(self, data: Path, moment: str) -> None:
        """Into an empty folder, to be promoted at the moment."""
        data.mkdir(mode=0o700, parents=True)
        target = (f"--target={moment}", "--target-action=promote", "--type=time")
        self.run("restore", f"--pg1-path={data}", *target)
