"""Backups and restores to a moment, beside pgBackRest and plain pg_dump and pg_restore."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bench.ground import DATABASE, LOGICAL, PHYSICAL, Ground, emptied
from bench.measures import Aim, Chapter, Lap, Measured, Say, in_turns
from bench.plans import finished, workers
from bonanca.actuators.postgres.sessions import at_database
from tests.support.poll import eventually
from tests.support.postgres_of import Server

if TYPE_CHECKING:
    from bonanca.recovery.views import BackupView

OURS, OURS_DUMP = "Bonança, engine physical", "Bonança, engine logical"
PEER, PLAIN_DUMP = "pgBackRest full", "pg_dump -Fc"
OURS_BACK, OURS_DRILL = "Bonança, to a server of its own", "Bonança, dump to a server of its own"
PEER_BACK, PLAIN_RESTORE = "pgBackRest restore", "pg_restore -j2"
OURS_BESIDE = "Bonança, a restore beside the running database"
TRANSACTIONS_A_SCALE = 400
# As ours is started: a server that is looked at and thrown away has nothing to survive.
SCRATCH = {"fsync": "off", "full_page_writes": "off"}


def backups(ground: Ground, rounds: int, say: Say) -> Chapter:
    """Full backups; ours are sealed and wait for both of their places."""
    dump = ground.folder / "plain.dump"

    def peer(lap: Lap) -> None:
        ground.peer.run("backup", "--type=full")

    def plain(lap: Lap) -> None:
        dump.unlink(missing_ok=True)
        ground.program("pg_dump", "-Fc", "-Z1", f"--file={dump}", ground.server.dsn(DATABASE))

    contenders = {
        OURS: lambda lap: _taken(lap, PHYSICAL),
        PEER: peer,
        OURS_DUMP: lambda lap: _taken(lap, LOGICAL),
        PLAIN_DUMP: plain,
    }
    return Chapter(
        "Backups",
        "A full backup from the first byte until it is safe. Bonança's are encrypted (AES-256-GCM, a key of their own"
        " wrapped with age) and lie in two places; pgBackRest's are zstd level 1 with two processes, in one repository,"
        " not encrypted. All places are folders of one disk.",
        in_turns(contenders, rounds, say),
        (Aim("encrypted, two replicas ≤ 1.2 × pgBackRest's full", OURS, 1.2, PEER),),
    )


def _taken(lap: Lap, service: str) -> None:
    from bonanca.access.actors import SYSTEM
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.take_backup import take_backup

    said: dict[str, float] = {}

    def heard(share: float | None, text: str) -> None:
        said.setdefault("storing" if "storing" in text else "sealing", time.monotonic() - lap.began)

    view = take_backup(service=service, actor=SYSTEM("bench"), now=utc_now(), progress=heard)
    lap.done()
    lap.facts["sealed after s"] = round(said.get("storing", 0.0), 2)
    lap.facts |= {"MB": round(view.size_bytes / 1e6, 1), "places": view.intact}


def restores(ground: Ground, rounds: int, say: Say) -> Chapter:
    """Back to a moment that lies after the backup, with work before and after it in the log."""
    _begin_archive()
    _taken(Lap(), PHYSICAL)
    ground.peer.run("backup", "--type=full")
    ground.transactions(TRANSACTIONS_A_SCALE * ground.scale)
    moment = ground.moment()
    ground.transactions(TRANSACTIONS_A_SCALE * ground.scale // 10)
    _end_archive(ground)
    sums = _sums(ground.server.dsn(DATABASE))
    with workers(ground, "1"):
        measured = _restored(ground, moment, rounds, say)
    found = {facts["history"] for one in measured[:3] for facts in one.facts}
    assert len(found) == 1, f"not the same moment: {found}"
    assert sums not in found, "nothing was written after the moment"
    return Chapter(
        "Restores",
        "From nothing to a server that takes a write. To a moment: the base backup, then the log up to it, both read"
        " from the archive. Ours reads sealed files from a place, checks each against its sum, decrypts, and compares"
        " every file with the backup's manifest. Both servers replay without fsync; pgBackRest also syncs what it has"
        " restored. A restore beside the running database is the whole plan of a person: the same, then the database is"
        " taken out of that server, loaded into the service's, counted, compared and named; pgBackRest cannot bring"
        " back one database while the others go on. The dumps go back to their own moment.",
        measured,
        (Aim("point in time to writable ≤ 1.1 × pgBackRest", OURS_BACK, 1.1, PEER_BACK),),
    )


def _restored(ground: Ground, moment: str, rounds: int, say: Say) -> list[Measured]:
    return in_turns(
        {
            OURS_BACK: lambda lap: _ours(ground, lap, moment),
            PEER_BACK: lambda lap: _peer(ground, lap, moment),
            OURS_BESIDE: lambda lap: _beside(ground, lap, moment),
            OURS_DRILL: lambda lap: _ours_dump(ground, lap),
            PLAIN_RESTORE: lambda lap: _plain(ground, lap),
        },
        rounds,
        say,
    )


def _begin_archive() -> None:
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery import queries
    from bonanca.recovery.operations.archive_wal import archive_wal

    eventually(lambda: archive_wal(now=utc_now()) == [] and queries.wal_of(PHYSICAL).running, timeout_s=60)


def _end_archive(ground: Ground) -> None:
    """Everything up to now is in both archives."""
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.models import WalFile
    from bonanca.recovery.operations.archive_wal import archive_wal
    from bonanca.recovery.receiving import received_here, stop_receiving

    with psycopg.connect(ground.server.dsn(), autocommit=True) as admin:
        row = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        name = str(row[0])

        def pushed() -> bool:
            archived = admin.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", (name,)).fetchone()
            return archived == (True,)

        eventually(pushed, timeout_s=300)

    def archived() -> bool:
        assert archive_wal(now=utc_now()) == []
        return WalFile.objects.filter(name=name, complete=True).exists()

    eventually(archived, timeout_s=300)
    for folder in received_here():
        stop_receiving(folder)


def _newest(service: str) -> BackupView:
    from bonanca.recovery.queries import latest_backup

    found = latest_backup(service)
    assert found is not None
    return found


def _opening(ground: Ground, service: str, folder: Path, target: Any) -> Any:
    from bonanca.catalog.queries import get_service
    from bonanca.recovery.engines import Opening
    from bonanca.recovery.identities import read_identity_file

    folder.mkdir(mode=0o700, parents=True)
    keys = read_identity_file(ground.key)
    return Opening(get_service(service), _newest(service), target, folder, keys, lambda share, text: None)


def _ours(ground: Ground, lap: Lap, moment: str) -> None:
    from bonanca.recovery.engines import Target, engine_named

    with emptied(ground.folder / "ours") as folder:
        opening = _opening(ground, PHYSICAL, folder, Target("time", moment))
        with engine_named("physical").scratch(opening) as scratch:
            _written(scratch.dsn)
            lap.done()
            lap.facts |= {"history": _sums(scratch.dsn), **opening.seconds}


def _ours_dump(ground: Ground, lap: Lap) -> None:
    from bonanca.recovery.engines import Target, engine_named

    with emptied(ground.folder / "ours") as folder:
        opening = _opening(ground, LOGICAL, folder, Target())
        with engine_named("logical").scratch(opening) as scratch:
            _written(scratch.dsn)
            lap.done()
            lap.facts |= opening.seconds


def _beside(ground: Ground, lap: Lap, moment: str) -> None:
    from bonanca.access.actors import SYSTEM
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.engines import Target
    from bonanca.recovery.operations.propose_restore import propose_restore
    from bonanca.recovery.operations.start_restore import start_restore

    actor, name = SYSTEM("bench"), "beside"
    shown = propose_restore(service=PHYSICAL, actor=actor, now=utc_now(), target=Target("time", moment), into=name)
    run_id = start_restore(shown.id, actor=actor, now=utc_now()).run_id
    assert run_id is not None, [found.words for found in shown.verdict]
    finished(run_id, timeout_s=1800)
    dsn = at_database(ground.server.dsn(), name)
    _written(dsn)
    lap.done()
    lap.facts["history"] = _sums(dsn)
    with psycopg.connect(ground.server.dsn(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _peer(ground: Ground, lap: Lap, moment: str) -> None:
    with emptied(ground.folder / "theirs") as folder:
        server = Server(folder, ground.major, **{"shared_buffers": "128MB", "archive_mode": "off", **SCRATCH})
        server.password = ground.server.password
        try:
            ground.peer.restore_to(server.data, moment)
            lap.facts["restore"] = round(time.monotonic() - lap.began, 3)
            server.start()
            dsn = server.dsn(DATABASE)
            eventually(lambda: _written(dsn), timeout_s=600, ignoring=psycopg.Error)
            lap.done()
            lap.facts["history"] = _sums(dsn)
        finally:
            server.stop()


def _plain(ground: Ground, lap: Lap) -> None:
    name = "plain"
    with psycopg.connect(ground.server.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        address = at_database(ground.server.dsn(), name)
        dump = ground.folder / "plain.dump"
        if not dump.exists():
            ground.program("pg_dump", "-Fc", "-Z1", f"--file={dump}", ground.server.dsn(DATABASE))
            lap.began = time.monotonic()
        ground.program("pg_restore", "--exit-on-error", "--jobs=2", f"--dbname={address}", str(dump))
        _written(address)
        lap.done()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _written(dsn: str) -> bool:
    with psycopg.connect(dsn, connect_timeout=5, autocommit=True) as connection:
        connection.execute("CREATE TABLE a_first_write AS SELECT 1")
    return True


def _sums(dsn: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("SELECT count(*), sum(delta) FROM pgbench_history").fetchone()
    return repr(row)


def tidy(ground: Ground) -> None:
    """Leave no copies behind for what comes next: they are large."""
    for name in ("places", "pgbackrest", "plain.dump"):
        path = ground.folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
