"""Work out from which backup, and to which moment, the data of a service goes back to before a change. Reads only."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from bonanca.catalog.spec import ServiceView
from bonanca.recovery.engines import Target
from bonanca.recovery.engines.chains import newest_before
from bonanca.recovery.guards import database_of
from bonanca.recovery.judging import judge
from bonanca.recovery.queries import get_backup, latest_verified_backup, list_backups
from bonanca.recovery.state import RESTORABLE, RestoreMode
from bonanca.recovery.verdicts import Finding
from bonanca.recovery.views import BackupView, PinView, ReturnView

LOGICAL, PHYSICAL = "logical", "physical"
LOOKED_THROUGH = 500


def choose_return(service: ServiceView, pin: PinView, engine: str) -> ReturnView:
    """Where the data would go: `physical` to the pin's own position in the log (by whichever engine archives it),
    `logical` to the newest dump before it.

    The same pin gives the same answer as long as the same backups are there, so that a plan can be checked again.
    """
    if engine == PHYSICAL:
        target = Target("point", pin.point) if pin.point else Target("lsn", pin.lsn)
        backup = newest_before(service.slug, target)
        return ReturnView(
            PHYSICAL,
            backup.id if backup else None,
            _moment(backup),
            asdict(target),
            pin.taken_at,
            pin.xid,
            _drilled(service, PHYSICAL),
        )
    backup, drilled = _newest_dump(service.slug, pin), _drilled(service, LOGICAL)
    if backup is None:
        return ReturnView(LOGICAL, None, None, asdict(Target()), pin.taken_at, pin.xid, drilled)
    # Transaction ids of another server, or of one that was set up anew since, say nothing about rows of this one.
    same = bool(pin.system_identifier) and backup.facts.get("system_identifier") == pin.system_identifier
    xid = str(backup.facts.get("xid", "")) if same else ""
    at = _moment(backup) or pin.taken_at
    return ReturnView(LOGICAL, backup.id, at, asdict(Target()), at, xid, drilled)


def judge_return(service: ServiceView, pin: PinView, engine: str) -> tuple[Finding, ...]:
    """What would refuse it, asked before anything is touched; nothing when there is no backup (the caller says so).

    Raises:
        NoDatabaseDeclared: the service has no database.
    """
    found = choose_return(service, pin, engine)
    if found.backup_id is None:
        return ()
    return judge(
        service,
        get_backup(found.backup_id),
        Target(**found.target),
        mode=RestoreMode.SWAP,
        database=database_of(service).name,
        identity_file=None,
    )


def _newest_dump(service: str, pin: PinView) -> BackupView | None:
    for found in list_backups(service, limit=LOOKED_THROUGH):
        if found.engine == LOGICAL and found.state in RESTORABLE and (_moment(found) or pin.taken_at) <= pin.taken_at:
            return found
    return None


def _moment(backup: BackupView | None) -> datetime | None:
    return (backup.snapshot_at or backup.started_at) if backup else None


def _drilled(service: ServiceView, engine: str) -> float | None:
    proof = latest_verified_backup(service.slug)
    return proof.restore_seconds if proof is not None and (proof.engine == LOGICAL) is (engine == LOGICAL) else None
