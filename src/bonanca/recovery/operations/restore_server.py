"""Put a server's whole data directory back from a physical backup, on the machine where it lies.

For a cluster that is lost: every database of it goes back. The server is stopped by whoever runs it, the directory is
laid out beside, takes the place of the lost one in one step, and replays its log when it is started again.
"""

from __future__ import annotations

import pwd
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.files.tree_swap import ident, side_of
from bonanca.actuators.files.tree_write import sync_disk_of
from bonanca.actuators.postgres.data_directory import (
    give_all,
    never_started,
    prepare_recovery,
    start_commands,
    version_of,
)
from bonanca.actuators.postgres.leftovers import server_processes
from bonanca.catalog.queries import get_service
from bonanca.durable.crashpoints import point
from bonanca.kernel.errors import Conflict
from bonanca.kernel.ids import new_id
from bonanca.recovery.engines import Opening, Target
from bonanca.recovery.engines.physical import lay_out
from bonanca.recovery.judging import identities_for
from bonanca.recovery.judging_servers import RUNS, judge_server
from bonanca.recovery.models import KeptFiles, ServerMove
from bonanca.recovery.operations.keep_files import UNDONE, name_of
from bonanca.recovery.operations.move_server import (
    answered,
    beating,
    begin_move,
    end_move,
    last_move,
    settle_earlier,
    still_as_kept,
    swap,
)
from bonanca.recovery.operations.propose_restore import backup_for
from bonanca.recovery.operations.start_restore import RestoreRefused
from bonanca.recovery.state import KeptState
from bonanca.recovery.trees import kept_of
from bonanca.recovery.views import BackupView
from bonanca.recovery.views.servers import ServerRestore

Progress = Callable[[float | None, str], None]


class NothingKept(Conflict):
    """No restore of this server has kept a data directory."""


def preview_server(
    *,
    service: str,
    data_directory: Path,
    actor: Actor,
    backup_id: UUID | None = None,
    target: Target | None = None,
    identity_file: Path | None = None,
) -> ServerRestore:
    """Say what stands in the way; nothing is touched.

    Raises:
        NotFound, NotAllowed (commanders only), NoBackupDeclared (there is none), NotItsBackup.
    """
    require(actor, Permission.COMMAND)
    declared, target = get_service(service), target or Target()
    backup, data = backup_for(service, backup_id, target), data_directory.absolute()
    found = tuple(judge_server(declared, backup, target, data, identity_file))
    return ServerRestore(service, backup.id, str(data), found)


def restore_server(
    *,
    service: str,
    data_directory: Path,
    actor: Actor,
    now: datetime,
    backup_id: UUID | None = None,
    target: Target | None = None,
    identity_file: Path | None = None,
    progress: Progress = lambda share, text: None,
) -> ServerRestore:
    """Replace the data directory; what was there is kept beside it.

    Asked again after it was killed, it finds out how far that came: what was only begun is cleared up and done anew,
    what came into effect is told.

    Raises:
        As `preview_server`. RestoreRefused: something stands in the way; nothing was touched.
        AnotherMove: a living command works on the same directory.
        NoReplicaIntact, WalLost, EnvelopeDamaged, DiskFull, NotSwappable: the old directory is where it was.
    """
    require(actor, Permission.COMMAND)
    settle_earlier(data_directory.absolute(), now=now)
    shown = preview_server(
        service=service,
        data_directory=data_directory,
        actor=actor,
        backup_id=backup_id,
        target=target,
        identity_file=identity_file,
    )
    data, target = Path(shown.data_directory), target or Target()
    declared, backup = get_service(service), backup_for(service, shown.backup_id, target)
    facts = {"path": str(data), "backup": str(backup.id), "target": _words(target)}
    move = _untold(data, facts)
    if move is None:
        if shown.refused:
            standing = [found.words for found in shown.verdict if found.answer == "no"]
            raise RestoreRefused(". ".join(standing) + ".", hint=_("Nothing was touched. Remove the cause first."))
        move = _begun(service, data, facts, actor, now)
        keys = identities_for(declared, identity_file, engine=backup.engine)
        _carry_out(move, Opening(declared, backup, target, Path(move.work), keys, beating(move, progress, now)), now)
    answered(move)
    commands = start_commands(data, backup.server_version, _name_of(data.stat().st_uid))
    kept = move.kept_path if ident(Path(move.kept_path)) is not None else None
    return ServerRestore(service, backup.id, str(data), shown.verdict, True, kept, _all(commands, backup))


def _untold(data: Path, facts: dict[str, str]) -> ServerMove | None:
    """The same restore, when it came into effect, its asker never heard of it, and no server ran on it since."""
    last = last_move(data)
    if last is None or last.undo or last.answered or not never_started(data):
        return None
    return last if {**last.facts, "mark": ""} == {**facts, "mark": ""} else None


def _words(target: Target) -> str:
    return " ".join(str(part) for part in (target.kind, target.value, target.timeline) if part)


def _begun(service: str, data: Path, facts: dict[str, str], actor: Actor, now: datetime) -> ServerMove:
    identity = new_id()
    mark = identity.hex[-12:]
    work = side_of(data) / f"new-{mark}"
    return begin_move(
        identity, service=service, path=data, undo=False, work=work, incoming=work / "data",
        kept=kept_of(data, mark, 0), facts=facts | {"mark": mark}, actor=actor, now=now,
    )  # fmt: skip


def _carry_out(move: ServerMove, opening: Opening, now: datetime) -> None:
    data, fresh = Path(move.path), Path(move.incoming)
    try:
        opening.folder.mkdir(mode=0o700)
        reach, log = lay_out(opening, fresh)
        point("recovery.restore_server.laid_out")
        fresh.chmod(0o700)
        prepare_recovery(fresh, log, reach.settings)
        owner = (data if data.exists() else data.parent).stat()
        give_all(fresh, owner.st_uid, owner.st_gid)
        sync_disk_of(fresh)
        _refuse_running(data)
        new = ident(fresh)
        assert new is not None
        swap(move, new)
    finally:
        end_move(move, now=now)


def undo_server(
    *, service: str, data_directory: Path, actor: Actor, now: datetime, kept: Path | None = None
) -> ServerRestore:
    """Put the data directory that the last restore replaced back, and keep the restored one.

    Asked again it changes nothing; killed, the next one ends what it had begun.

    Args:
        kept: which of those that are kept, also one that an earlier undo took away (default: the last restore's).

    Raises:
        NotFound, NotAllowed (commanders only), NothingKept. RestoreRefused: a server runs in it. NotSwappable.
        AnotherMove: a living command works on it.
    """
    require(actor, Permission.COMMAND)
    get_service(service)
    data = data_directory.absolute()
    settle_earlier(data, now=now)
    done = last_move(data)
    if done is None or not done.undo or kept not in (None, Path(done.incoming)):
        done = _put_back(service, data, kept, actor, now)
    answered(done)
    version = version_of(data) or 0
    commands = start_commands(data, version, _name_of(data.stat().st_uid))[:1]
    return ServerRestore(service, done.id, str(data), (), True, done.kept_path, commands)


def _put_back(service: str, data: Path, kept: Path | None, actor: Actor, now: datetime) -> ServerMove:
    _refuse_running(data)
    with transaction.atomic():
        row = _kept_row(service, data, kept)
        before = ident(Path(row.kept_path)) if row is not None else None
        if row is None or before is None or not still_as_kept(row.kept_by, Path(row.kept_path)):
            raise NothingKept(_("No data directory is kept for %(path)s.") % {"path": kept or data})
        identity = new_id()
        mark = identity.hex[-12:]
        move = begin_move(
            identity, service=service, path=data, undo=True, work=None, incoming=Path(row.kept_path),
            kept=kept_of(data, mark, 0, UNDONE), facts={"path": str(data), "mark": mark}, actor=actor, now=now,
        )  # fmt: skip
    try:
        swap(move, before)
    finally:
        end_move(move, now=now)
    return move


def _kept_row(service: str, data: Path, kept: Path | None) -> KeptFiles | None:
    """Locked, so that nobody begins to remove it; nothing of what somebody is removing."""
    rows = KeptFiles.objects.select_for_update().filter(service=service, path=str(data), state=KeptState.KEPT)
    rows = rows.filter(dropping_by="")
    # What an undo took away comes back only by its name: asked twice, an undo would turn round.
    rows = rows.filter(kept_path=str(kept)) if kept else rows.exclude(name__startswith=name_of(UNDONE, ""))
    return rows.order_by("-kept_at", "-id").first()


def _refuse_running(data: Path) -> None:
    if server_processes(data):
        raise RestoreRefused(_(RUNS) % {"path": data})


def _all(commands: tuple[str, ...], backup: BackupView) -> tuple[str, ...]:
    # The log begins anew: what was archived before belongs to the timeline that was left.
    return (*commands, f"bonanca backup take {backup.service} --verify")


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
