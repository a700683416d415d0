"""Reading recovery: backups, drills, pins, kept databases and rows at risk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet
from django.utils.translation import gettext as _

from bonanca.actuators.files.store import ContentLost
from bonanca.actuators.postgres.databases import database_sizes, effects_on
from bonanca.actuators.postgres.rows import DeclaredTable, written_since
from bonanca.actuators.postgres.sessions import session
from bonanca.catalog.queries import get_service, list_services
from bonanca.kernel.errors import BonancaError, NotFound, Unavailable
from bonanca.recovery.folders import contents
from bonanca.recovery.models import Backup, BackupReplica, Drill, Pin, SetAside, SetAsideRow
from bonanca.recovery.state import UNSETTLED, BackupState, DrillState, PinState, ReplicaState, RowKind, RowOutcome
from bonanca.recovery.views import (
    BackupView,
    DrillView,
    KeptDatabase,
    PinView,
    ReplicaView,
    ServiceBackups,
    SetAsideRowView,
    SetAsideView,
    TableAtRisk,
)

COUNT_TIMEOUT_S = 5.0
UNDECIDED_SHOWN = 200


class BackupNotFound(NotFound):
    """There is no such backup."""


class PinNotFound(NotFound):
    """There is no such pin."""


class SetAsideNotFound(NotFound):
    """There is no such list of set-aside rows."""


def get_backup(backup_id: UUID) -> BackupView:
    """Raises BackupNotFound."""
    for found in _backups(Backup.objects.filter(pk=backup_id)):
        return found
    raise BackupNotFound(_("There is no backup %(id)s.") % {"id": backup_id})


def list_backups(service: str, *, limit: int = 50) -> tuple[BackupView, ...]:
    """The service's backups, newest first. Three queries."""
    return _backups(Backup.objects.filter(service=service).order_by("-started_at")[:limit])


def latest_backup(service: str) -> BackupView | None:
    """The newest backup that was stored, verified or not."""
    stored = Backup.objects.filter(service=service, state__in=[BackupState.STORED, BackupState.VERIFIED])
    return next(iter(_backups(stored.order_by("-started_at")[:1])), None)


def latest_verified_backup(service: str) -> BackupView | None:
    """The backup whose restore was checked most recently (`verified_at`, `restore_seconds`); None: none ever was."""
    verified = Backup.objects.filter(service=service, state=BackupState.VERIFIED)
    return next(iter(_backups(verified.order_by("-verified_at")[:1])), None)


def last_attempt(service: str) -> BackupView | None:
    """The newest backup in whatever state; a running or failed one is seen here."""
    return next(iter(list_backups(service, limit=1)), None)


def declares_backup(service: str) -> bool:
    """Whether the service declares a database and how to back it up. Raises NotFound: no such service."""
    declared = get_service(service)
    return declared.backup is not None and declared.database is not None


def team_of(service: str) -> str:
    """The team that owns the service. Raises NotFound: no such service."""
    return get_service(service).team_slug


def overview() -> tuple[ServiceBackups, ...]:
    """Every service that declares a backup, with its last proof and its last attempt."""
    return tuple(
        ServiceBackups(
            service.slug,
            service.name,
            service.backup.every_h,
            latest_verified_backup(service.slug),
            last_attempt(service.slug),
        )
        for service in list_services()
        if service.backup is not None and service.database is not None
    )


def backup_by_key(key: str) -> BackupView | None:
    """The newest backup that a plan's step took under its key and that did not fail."""
    found = Backup.objects.filter(key=key).exclude(state=BackupState.FAILED).exclude(key="")
    return next(iter(_backups(found.order_by("-started_at")[:1])), None)


def get_drill(drill_id: UUID) -> DrillView:
    """Raises BackupNotFound."""
    drill = Drill.objects.select_related("backup").filter(pk=drill_id).first()
    if drill is None:
        raise BackupNotFound(_("There is no drill %(id)s.") % {"id": drill_id})
    return _drill(drill, drill.backup.service)


def passed_drill_by_key(key: str) -> DrillView | None:
    """The drill that a plan's step passed under its key."""
    drill = Drill.objects.select_related("backup").filter(key=key, state=DrillState.PASSED).exclude(key="").first()
    return None if drill is None else _drill(drill, drill.backup.service)


def get_pin(pin_id: UUID) -> PinView:
    """Raises PinNotFound."""
    pin = Pin.objects.filter(pk=pin_id).first()
    if pin is None:
        raise PinNotFound(_("There is no pin %(id)s.") % {"id": pin_id})
    return pin_view(pin)


def pin_by_key(key: str) -> PinView | None:
    """The pin that was recorded under a step's key."""
    pin = Pin.objects.filter(key=key).first()
    return None if pin is None else pin_view(pin)


def latest_pin(service: str, before: datetime | None = None) -> PinView | None:
    """The newest pin of the service that can still be returned to, taken at or before a moment."""
    pins = Pin.objects.filter(service=service, state=PinState.READY)
    if before is not None:
        pins = pins.filter(taken_at__lte=before)
    pin = pins.order_by("-taken_at").first()
    return None if pin is None else pin_view(pin)


def pin_of_change(change_id: UUID | str) -> PinView | None:
    """The newest pin that was taken for a change and can still be returned to."""
    pin = Pin.objects.filter(change_id=str(change_id), state=PinState.READY).order_by("-taken_at").first()
    return None if pin is None else pin_view(pin)


def pinned_configuration(pin_id: UUID) -> bytes:
    """The configuration file as it was pinned; empty when there was none.

    Raises:
        PinNotFound: no such pin. Unavailable: its kept content is gone, or this is not the machine that keeps it.
    """
    pin = get_pin(pin_id)
    if not pin.config_sha256:
        return b""
    try:
        return contents().get(pin.config_sha256)
    except ContentLost as error:
        raise Unavailable(str(error)) from error


def pins_of(service: str, *, limit: int = 20) -> tuple[PinView, ...]:
    """The service's pins, newest first."""
    return tuple(pin_view(pin) for pin in Pin.objects.filter(service=service).order_by("-taken_at")[:limit])


def rows_at_risk(service: str, pin_id: UUID, now: datetime) -> tuple[TableAtRisk, ...]:
    """What a return to the pin would set aside at this moment, counted live (read-only, five seconds a table).

    A table that cannot be read carries its problem: an unknown number is never shown as zero. `now` is not used for
    counting (the database's own state is) and is there for the callers' records.

    Raises:
        NotFound: no such service or pin.
    """
    pin, declared = get_pin(pin_id), get_service(service).database
    if declared is None or not pin.has_data:
        return ()
    return tuple(
        _at_risk(declared.dsn(), DeclaredTable(r.table, r.key, r.written_at), pin) for r in declared.rows_at_risk
    )


def _at_risk(dsn: str, table: DeclaredTable, pin: PinView) -> TableAtRisk:
    try:
        with session(dsn, name="bonanca preview", read_only=True, timeout_s=COUNT_TIMEOUT_S) as connection:
            found = written_since(connection, table, since=pin.taken_at, xid=pin.xid)
    except BonancaError as error:
        return TableAtRisk(table.table, None, None, problem=str(error))
    return TableAtRisk(found.table, found.inserted, found.changed, found.sample)


def kept_databases(service: str) -> tuple[KeptDatabase, ...]:
    """Databases of the service that rollbacks replaced and that are still on its server, newest first.

    Raises:
        NotFound: no such service. Unavailable: its server does not answer.
    """
    declared = get_service(service).database
    if declared is None:
        return ()
    dsn = declared.dsn()
    present = database_sizes(dsn)
    swaps = effects_on(dsn, declared.name, "swap")
    # The same name may have been swapped in again by an undo: then it is no longer kept, and not in the list.
    return tuple(
        KeptDatabase(swap["kept"], declared.name, swap["made_at"], swap["key"], present[swap["kept"]])
        for swap in reversed(swaps)
        if swap["kept"] in present
    )


def get_set_aside(set_aside_id: UUID) -> SetAsideView:
    """Raises SetAsideNotFound."""
    found = SetAside.objects.filter(pk=set_aside_id).first()
    if found is None:
        raise SetAsideNotFound(_("There is no list of set-aside rows %(id)s.") % {"id": set_aside_id})
    return _set_aside(found)


def set_aside_by_key(key: str) -> SetAsideView | None:
    """The list that a step recorded under its key."""
    found = SetAside.objects.filter(key=key).first()
    return None if found is None else _set_aside(found)


def set_aside_of_run(run_id: UUID) -> SetAsideView | None:
    """The list of a rollback's plan."""
    found = SetAside.objects.filter(run_id=run_id).order_by("-created_at").first()
    return None if found is None else _set_aside(found)


def pending_rows(set_aside_id: UUID) -> list[tuple[str, str]]:
    """Table and key of the rows that have no answer yet, in their order."""
    rows = SetAsideRow.objects.filter(set_aside_id=set_aside_id, outcome__in=UNSETTLED)
    return list(rows.order_by("position").values_list("table", "key"))


def _set_aside(found: SetAside) -> SetAsideView:
    counts = dict.fromkeys((outcome.value for outcome in RowOutcome), 0)
    counts |= {row["outcome"]: row["n"] for row in found.rows.order_by().values("outcome").annotate(n=Count("id"))}
    undecided = found.rows.filter(outcome__in=[RowOutcome.CONFLICT, RowOutcome.DECISION])[:UNDECIDED_SHOWN]
    return SetAsideView(
        id=found.id,
        key=found.key,
        run_id=found.run_id,
        service=found.service,
        pin_id=found.pin_id,
        kept_database=found.kept_database,
        file=found.file,
        created_at=found.created_at,
        reapplied_at=found.reapplied_at,
        counts=counts,
        undecided=tuple(
            SetAsideRowView(r.table, r.key, RowKind(r.kind), RowOutcome(r.outcome), r.reason, r.settled_at)
            for r in undecided
        ),
    )


def pin_view(pin: Pin) -> PinView:
    """A pin's row as a value (for this room's operations)."""
    names = [name for name in PinView.__dataclass_fields__ if name != "state"]
    return PinView(state=PinState(pin.state), **{name: getattr(pin, name) for name in names})


def _backups(rows: QuerySet[Backup]) -> tuple[BackupView, ...]:
    drills = Prefetch("drills", queryset=Drill.objects.order_by("-started_at"))
    replicas = Prefetch("replicas", queryset=BackupReplica.objects.order_by("position"))
    return tuple(_backup(row) for row in rows.prefetch_related(replicas, drills))


def _backup(row: Backup) -> BackupView:
    drills: Iterable[Drill] = row.drills.all()
    passed = next((drill for drill in drills if drill.state == DrillState.PASSED), None)
    last = next(iter(drills), None)
    shared = [
        name
        for name in BackupView.__dataclass_fields__
        if name not in ("state", "restore_seconds", "age_seconds", "replicas", "last_drill")
    ]
    return BackupView(
        **{name: getattr(row, name) for name in shared},
        state=BackupState(row.state),
        restore_seconds=passed.restore_seconds if passed else None,
        age_seconds=passed.age_seconds if passed else None,
        last_drill=_drill(last, row.service) if last else None,
        replicas=tuple(
            ReplicaView(r.place, ReplicaState(r.state), r.size_bytes, r.sha256, r.stored_at, r.checked_at, r.error)
            for r in row.replicas.all()
        ),
    )


def _drill(row: Drill, service: str) -> DrillView:
    return DrillView(
        id=row.id,
        backup_id=row.backup_id,
        service=service,
        state=DrillState(row.state),
        run_by=row.run_by,
        started_at=row.started_at,
        finished_at=row.finished_at,
        restore_seconds=row.restore_seconds,
        age_seconds=row.age_seconds,
        evidence=row.evidence,
        error=row.error,
    )
