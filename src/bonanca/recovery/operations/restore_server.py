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
from bonanca.actuators.files.tree_swap import ident, remove_tree, side_of, swap_in, tidy_side
from bonanca.actuators.files.tree_write import sync_disk_of
from bonanca.actuators.postgres.data_directory import give_all, prepare_recovery, start_commands, version_of
from bonanca.actuators.postgres.leftovers import server_processes
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict
from bonanca.kernel.ids import new_id
from bonanca.recovery.engines import Opening, Target
from bonanca.recovery.engines.physical import lay_out
from bonanca.recovery.judging import identities_for
from bonanca.recovery.judging_servers import RUNS, judge_server
from bonanca.recovery.models import KeptFiles
from bonanca.recovery.operations.keep_files import note_kept, note_returned
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

    Raises:
        As `preview_server`. RestoreRefused: something stands in the way; nothing was touched.
        NoReplicaIntact, WalLost, EnvelopeDamaged, DiskFull, NotSwappable: the old directory is where it was.
    """
    shown = preview_server(
        service=service,
        data_directory=data_directory,
        actor=actor,
        backup_id=backup_id,
        target=target,
        identity_file=identity_file,
    )
    if shown.refused:
        standing = [found.words for found in shown.verdict if found.answer == "no"]
        raise RestoreRefused(". ".join(standing) + ".", hint=_("Nothing was touched. Remove the cause first."))
    data, target = Path(shown.data_directory), target or Target()
    declared, backup = get_service(service), backup_for(service, shown.backup_id, target)
    identity = new_id()
    work, mark = side_of(data) / f"new-{identity.hex[-12:]}", identity.hex[-12:]
    work.mkdir(mode=0o700)
    try:
        opening = Opening(
            declared, backup, target, work, identities_for(declared, identity_file, engine=backup.engine), progress
        )
        fresh = work / "data"
        reach, log = lay_out(opening, fresh)
        fresh.chmod(0o700)
        prepare_recovery(fresh, log, reach.settings)
        owner = (data if data.exists() else data.parent).stat()
        give_all(fresh, owner.st_uid, owner.st_gid)
        sync_disk_of(fresh)
        _refuse_running(data)
        kept, new = kept_of(data, mark, 0), ident(fresh)
        assert new is not None
        replaced = swap_in(data, fresh, kept, new=new)
    finally:
        remove_tree(work)
        tidy_side(data)
    note_kept(service, [{"target": str(data), "kept": str(kept)}], "kept", mark, identity, now=now)
    _record(service, "server.restored", {"path": str(data), "backup": str(backup.id), "mark": mark}, actor, now)
    commands = start_commands(data, backup.server_version, _name_of(owner.st_uid))
    return ServerRestore(
        service, backup.id, str(data), shown.verdict, True, str(kept) if replaced else None, _all(commands, backup)
    )


def undo_server(*, service: str, data_directory: Path, actor: Actor, now: datetime) -> ServerRestore:
    """Put the data directory that the last restore replaced back, and keep the restored one.

    Raises:
        NotFound, NotAllowed (commanders only), NothingKept. RestoreRefused: a server runs in it. NotSwappable.
    """
    require(actor, Permission.COMMAND)
    get_service(service)
    data = data_directory.absolute()
    rows = KeptFiles.objects.filter(service=service, path=str(data), state=KeptState.KEPT)
    row = rows.order_by("-kept_at", "-id").first()
    before = ident(Path(row.kept_path)) if row is not None else None
    if row is None or before is None:
        raise NothingKept(_("No data directory is kept for %(path)s.") % {"path": data})
    _refuse_running(data)
    identity = new_id()
    mark, kept = identity.hex[-12:], Path(row.kept_path)
    undone = kept_of(data, mark, 0, "undone")
    swap_in(data, kept, undone, new=before)
    note_returned(service, [row.kept_path], now=now)
    note_kept(service, [{"target": str(data), "kept": str(undone)}], "undone", mark, identity, now=now)
    _record(service, "server.restore_undone", {"path": str(data), "mark": mark}, actor, now)
    version = version_of(data) or 0
    commands = start_commands(data, version, _name_of(data.stat().st_uid))[:1]
    return ServerRestore(service, identity, str(data), (), True, str(undone), commands)


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


def _record(service: str, action: str, facts: dict[str, str], actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        record(aggregate=f"service:{service}", action=action, actor=actor.label, facts=facts, now=now)
