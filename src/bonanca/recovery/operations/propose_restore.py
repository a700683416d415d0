"""Preview a restore: which backup, to where, step by step, and what stands in its way."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed, require
from bonanca.actuators.postgres.sessions import derived_name
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Invalid
from bonanca.kernel.ids import new_id
from bonanca.recovery.engines import Target
from bonanca.recovery.engines.chains import newest_before
from bonanca.recovery.grounds import Grounds, grounds_of, is_path
from bonanca.recovery.guards import database_of
from bonanca.recovery.judging import judge
from bonanca.recovery.judging_rows import judge_rows
from bonanca.recovery.models import Restore
from bonanca.recovery.operations.begin_backup import no_backup_declared
from bonanca.recovery.queries import get_backup, get_restore, latest_backup
from bonanca.recovery.restore_plans import compile_restore
from bonanca.recovery.state import RestoreMode, RestorePart
from bonanca.recovery.trees import roots_of
from bonanca.recovery.views import BackupView, RestoreView

VALID_FOR = timedelta(minutes=30)
_NAME = re.compile(r"[a-z_][a-z0-9_$-]{0,62}")


class NotItsBackup(Invalid):
    """The backup is another service's."""


class BadName(Invalid):
    """No database can have this name."""


class FolderElsewhere(Invalid):
    """Files are restored near where they came from: what else lies on the machine is not told."""


class _Asked(TypedDict):
    """What was asked for, as it is judged, compiled and kept."""

    mode: RestoreMode
    database: str
    part: RestorePart
    folder: str


def propose_restore(
    *,
    service: str,
    actor: Actor,
    now: datetime,
    backup_id: UUID | None = None,
    target: Target | None = None,
    mode: RestoreMode = RestoreMode.BESIDE,
    into: str = "",
    part: RestorePart | None = None,
    folder: str = "",
    identity_file: Path | None = None,
) -> RestoreView:
    """Record a restore that could be started, with its verdict; nothing on the service's server is touched.

    Args:
        backup_id: default: the newest backup from which the target can be reached.
        target: default: the backup's own moment.
        into: the new database's name; default: one that is derived. A swap always takes the service's own name.
        part: what comes back; default: the database, or the files of a backup without one.
        folder: where files go beside what runs, absolute; default: beside the first path, under a name that is made.
        identity_file: the private key's file on the machine of the worker; default: the declared one.

    Raises:
        NotFound, NoDatabaseDeclared, NoBackupDeclared (there is none to restore), NotItsBackup, BadName, NotAllowed.
        FolderElsewhere: `folder` is neither near the backup's paths nor below the service's root, and the actor no
            administrator.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    target = target or Target()
    backup = backup_for(service, backup_id, target)
    part = part or (RestorePart.DATABASE if backup.database and declared.database else RestorePart.FILES)
    identity = new_id()
    database = "" if part is RestorePart.FILES else _database(declared, mode, into, identity)
    beside = part is not RestorePart.DATABASE and mode is not RestoreMode.SWAP
    folder = _folder(declared, backup, folder, identity, actor) if beside else ""
    asked: _Asked = {"mode": mode, "database": database, "part": part, "folder": folder}
    findings = judge(declared, backup, target, identity_file=identity_file, **asked)
    if mode is RestoreMode.SWAP and database and not any(found.refuses for found in findings):
        findings += judge_rows(declared, backup, target)
    params = _params(service, identity, backup, target, identity_file, asked)
    spec = compile_restore(declared, mode=mode, database=database, params=params)
    with transaction.atomic():
        Restore.objects.create(
            id=identity,
            service=service,
            backup_id=backup.id,
            target_kind=target.kind,
            target_value=target.value,
            verdict=[found.to_json() for found in findings],
            spec={"steps": [asdict(step) for step in spec.steps], "title": spec.title.to_json()},  # type: ignore[union-attr] # the compiler's titles are phrases
            proposed_by=actor.label,
            proposed_at=now,
            expires_at=now + VALID_FOR,
            **asked,
        )
        facts = {"service": service, "backup": str(backup.id), **asked}
        record(aggregate=f"restore:{identity}", action="restore.proposed", actor=actor.label, facts=facts, now=now)
    return get_restore(identity)


def _params(
    service: str, identity: UUID, backup: BackupView, target: Target, identity_file: Path | None, asked: _Asked
) -> dict[str, Any]:
    """What every step of the plan is told."""
    return {
        "service": service,
        "restore_id": str(identity),
        "backup_id": str(backup.id),
        "target": asdict(target),
        "identity_file": str(identity_file.absolute()) if identity_file else None,
        "paths": [str(path) for path in roots_of(backup)],
        **asked,
    }


def _database(service: ServiceView, mode: RestoreMode, into: str, identity: UUID) -> str:
    live = database_of(service).name
    if mode is RestoreMode.SWAP:
        return live
    return _checked_name(into.strip() or derived_name(live, "restored", identity.hex[-12:]))


def _folder(service: ServiceView, backup: BackupView, given: str, identity: UUID, actor: Actor) -> str:
    paths, given = roots_of(backup), given.strip()
    if given:
        # Who may declare folders to be backed up and restored learns nothing new.
        free = allowed(actor, Permission.ADMINISTER)
        return _near(given, None if free else grounds_of(service.slug, paths, service.root))
    if not paths:
        return ""
    return str(paths[0].parent / f"{backup.service}-restored-{identity.hex[-12:]}")


def _near(given: str, grounds: Grounds | None) -> str:
    """Before anything is asked of the disk. What is no absolute path is judged by its words alone."""
    folder = Path(given)
    if not is_path(given):
        raise FolderElsewhere(_("This is not a path that a folder can have."), field="folder")
    if grounds is None or not folder.is_absolute() or ".." in folder.parts or grounds.hold(folder):
        return given
    raise FolderElsewhere(
        _("“%(folder)s” is no folder for these files: choose a new one among %(grounds)s.")
        % {"folder": given[:200], "grounds": grounds},
        hint=_("An administrator may choose any other."),
        field="folder",
    )


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadName(
            _("“%(name)s” is not a name for a database: lower-case letters, digits and _, at most 63.")
            % {"name": name[:80]},
            field="into",
        )
    return name


def backup_for(service: str, backup_id: UUID | None, target: Target) -> BackupView:
    """The one of that id, or the newest from which the target can be reached. Raises NotItsBackup, NoBackupDeclared."""
    if backup_id is not None:
        chosen = get_backup(backup_id)
        if chosen.service != service:
            raise NotItsBackup(
                _("The backup %(id)s is one of %(service)s.") % {"id": backup_id, "service": chosen.service},
                field="backup_id",
            )
        return chosen
    newest = latest_backup(service)
    if newest is None:
        raise no_backup_declared(service)
    return newest_before(service, target) or newest
