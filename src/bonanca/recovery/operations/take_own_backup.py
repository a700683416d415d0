"""Back up Bonança's own database: the same envelope and places as every other backup (requirement Y8)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict
from bonanca.kernel.ids import new_id
from bonanca.recovery import holding, own
from bonanca.recovery.models import OwnBackup
from bonanca.recovery.operations.take_backup import NoReplicaStored
from bonanca.recovery.places import Parcel, Place, ReplicaProblem
from bonanca.recovery.places.leaving import parcel_of, place_named
from bonanca.recovery.queries.own import get_own_backup
from bonanca.recovery.sealing import SealedDatabase, seal_database
from bonanca.recovery.state import BackupState
from bonanca.recovery.views.procedure import OwnBackupView

NAME = "bonanca"


class OwnBackupRunning(Conflict):
    """A backup of Bonança's own database is running."""


def take_own_backup(
    *, actor: Actor, now: datetime, progress: Callable[[float | None, str], None] = lambda share, text: None
) -> OwnBackupView:
    """Dump, seal and store Bonança's own database; it is `stored` when at least one place has it.

    Raises:
        OwnBackupNotDeclared, PlaceInvalid, InvalidRecipient, OwnBackupRunning, NotAllowed: nothing was begun.
        DatabaseUnreachable, DumpFailed, DiskFull, NoReplicaStored: it is recorded as failed with that reason.
    """
    require(actor, Permission.ADMINISTER)
    policy = own.own_policy()
    identity = _begin(actor, now)
    clock = holding.running_clock(now)
    name = f"{NAME}/{NAME}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{identity.hex[-12:]}.bnc"
    folder = own.working_folder()
    try:
        progress(None, _("sealing"))
        label = {"service": NAME, "database": NAME, "backup": str(identity)}
        sealed = seal_database(
            own.own_dsn(),
            folder / "sealed.bnc",
            recipients=policy.recipients,
            label=label,
            on_bytes=lambda count: progress(None, _("sealing")),
        )
        progress(None, _("storing in %(count)d places") % {"count": len(policy.places)})
        found = _store_everywhere(policy.places, parcel_of(folder / "sealed.bnc", name))
        if not any(place["ok"] for place in found):
            reasons = "; ".join(str(place["error"]) for place in found)
            raise NoReplicaStored(_("No place took the backup: %(reasons)s") % {"reasons": reasons})
    except BaseException as error:  # also Ctrl-C: a row must not say "running" for ever
        _fail(identity, str(error) or type(error).__name__, actor, clock())
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _stored(identity, name, sealed, found, actor, clock())


def _begin(actor: Actor, now: datetime) -> UUID:
    for unfinished in OwnBackup.objects.filter(state=BackupState.RUNNING):
        if holding.gone(unfinished, now):
            _fail(unfinished.id, _("The process that took it ended before it was done."), actor, now)
    try:
        with transaction.atomic():
            row = OwnBackup.objects.create(
                id=new_id(),
                taken_by=actor.label,
                started_at=now,
                beat_at=now,
                database=NAME,
                object_name="",
                **holding.me(),
            )
            record(aggregate=f"own-backup:{row.id}", action="own_backup.started", actor=actor.label, facts={}, now=now)
    except IntegrityError as error:
        raise OwnBackupRunning(_("A backup of Bonança's own database is running.")) from error
    return row.id


def _store_everywhere(places: tuple[str, ...], parcel: Parcel) -> list[dict[str, object]]:
    # The catalog is read here: a thread that asks the database would keep a connection of its own.
    doors: dict[str, Place] = {}
    problems: dict[str, str] = {}
    for place in places:
        try:
            doors[place] = place_named(place)
        except ReplicaProblem as problem:
            problems[place] = problem.message
    with ThreadPoolExecutor(max_workers=len(places), thread_name_prefix="own-places") as pool:
        problems |= dict(zip(doors, pool.map(lambda door: _store(door, parcel), doors.values()), strict=True))
    return [{"place": place, "ok": not problems[place], "error": problems[place]} for place in places]


def _store(door: Place, parcel: Parcel) -> str:
    try:
        door.store(parcel)
    except ReplicaProblem as problem:
        return problem.message
    return ""


def _stored(
    identity: UUID,
    name: str,
    sealed: SealedDatabase,
    places: list[dict[str, object]],
    actor: Actor,
    now: datetime,
) -> OwnBackupView:
    with transaction.atomic():
        OwnBackup.objects.filter(pk=identity, state=BackupState.RUNNING).update(
            state=BackupState.STORED,
            finished_at=now,
            object_name=name,
            snapshot_at=sealed.snapshot_at,
            database_bytes=sealed.database_bytes,
            size_bytes=sealed.sealed.size,
            sha256=sealed.sealed.sha256,
            row_counts=dict(sealed.row_counts),
            places=places,
            error="; ".join(str(place["error"]) for place in places if not place["ok"]),
        )
        facts = {"size_bytes": sealed.sealed.size, "sha256": sealed.sealed.sha256, "places": places}
        record(aggregate=f"own-backup:{identity}", action="own_backup.stored", actor=actor.label, facts=facts, now=now)
    return get_own_backup(identity)


def _fail(identity: UUID, error: str, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        changed = OwnBackup.objects.filter(pk=identity, state=BackupState.RUNNING).update(
            state=BackupState.FAILED, finished_at=now, error=error
        )
        if changed:
            facts = {"error": error}
            record(
                aggregate=f"own-backup:{identity}", action="own_backup.failed", actor=actor.label, facts=facts, now=now
            )
