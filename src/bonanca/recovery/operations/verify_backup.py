"""Verify a backup by restoring it: the only way it becomes worth something (promise 4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import monotonic
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import Conflict
from bonanca.recovery import holding
from bonanca.recovery.checks import checks_of
from bonanca.recovery.engines import OUTSIDE
from bonanca.recovery.envelope import EnvelopeDamaged
from bonanca.recovery.fetching import NoReplicaIntact
from bonanca.recovery.folders import remove_scratch, scratch_folder
from bonanca.recovery.identities import IdentityUnreadable, read_identity_file
from bonanca.recovery.models import Drill
from bonanca.recovery.operations.begin_drill import begin_drill
from bonanca.recovery.operations.finish_drill import fail_drill, pass_drill
from bonanca.recovery.queries import get_backup, get_drill
from bonanca.recovery.scratch import DrillNotHeld, Findings, restore_and_check
from bonanca.recovery.state import BackupState, DrillState
from bonanca.recovery.views import BackupView, DrillView

Progress = Callable[[float | None, str], None]


class DrillLost(Conflict):
    """Somebody else ended this drill while it ran."""


def verify_backup(
    backup_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    identity_file: Path | None = None,
    key: str = "",
    progress: Progress = lambda share, text: None,
) -> DrillView:
    """Restore a backup into a temporary server, run the service's checks, compare row counts, measure RTO and RPO.

    Args:
        identity_file: the private key's file; default: the one that the service declares.
        progress: told a share (0 to 1) and a text; what it raises ends the drill.

    Returns:
        The passed drill with its evidence; the backup is then *verified*.

    Raises:
        BackupNotFound, NotRestorable, DrillRunning, NotAllowed: nothing was begun.
        NoReplicaIntact, EnvelopeDamaged: the backup is lost, and marked failed (unless a place did not answer).
        DrillNotHeld: it is there and does not hold every check; it is not verified any more.
        IdentityUnreadable, WrongIdentity, DiskFull, DumpFailed, ClusterFailed: the reason is not the backup.
    """
    drill = begin_drill(backup_id=backup_id, actor=actor, now=now, key=key)
    clock = holding.running_clock(now)
    backup = get_backup(backup_id)
    findings = Findings()
    try:
        service = get_service(backup.service)
        restore_seconds = restore_and_check(
            service,
            backup,
            scratch_folder(drill.id),
            identities=() if backup.engine in OUTSIDE else read_identity_file(_identity(service, identity_file)),
            checks=checks_of(service),
            findings=findings,
            say=_beating(drill.id, clock, progress),
        )
    except BaseException as error:  # also Ctrl-C: a row must not say "running" for ever
        reason = str(error) or type(error).__name__
        fail_drill(
            drill_id=drill.id,
            error=reason,
            evidence=findings.to_json(),
            actor=actor,
            now=clock(),
            backup_becomes=_judged(error),
        )
        raise
    return _passed(drill, backup, restore_seconds, findings, actor, clock())


def _passed(
    drill: DrillView, backup: BackupView, restore_seconds: float, findings: Findings, actor: Actor, now: datetime
) -> DrillView:
    remove_scratch(drill.id)
    passed = pass_drill(
        drill_id=drill.id,
        restore_seconds=round(restore_seconds, 3),
        age_seconds=round(_age(backup, now), 3),
        evidence=findings.to_json(),
        actor=actor,
        now=now,
    )
    if not passed:
        raise DrillLost(_("This drill was ended by somebody else while it ran."))
    return get_drill(drill.id)


def _identity(service: ServiceView, given: Path | None) -> Path:
    declared = service.backup.identity_file if service.backup else None
    if given is None and declared is None:
        raise IdentityUnreadable(
            _("The service %(service)s declares no identity file.") % {"service": service.slug},
            hint=_("Say where the private key is with --identity-file."),
        )
    return given or declared  # type: ignore[return-value] # one of them is there


def _judged(error: BaseException) -> BackupState | None:
    """What a failed drill says about its backup."""
    if isinstance(error, EnvelopeDamaged) or (isinstance(error, NoReplicaIntact) and error.lost):
        return BackupState.FAILED
    return BackupState.STORED if isinstance(error, DrillNotHeld) else None


def _age(backup: BackupView, now: datetime) -> float:
    return max(0.0, (now - (backup.snapshot_at or backup.started_at)).total_seconds())


def _beating(drill_id: UUID, clock: Callable[[], datetime], progress: Progress) -> Progress:
    beaten = monotonic()

    def say(share: float | None, text: str) -> None:
        nonlocal beaten
        progress(share, text)
        if monotonic() - beaten > holding.BEAT_EVERY_S:
            beaten = monotonic()
            if not Drill.objects.filter(pk=drill_id, state=DrillState.RUNNING).update(beat_at=clock()):
                raise DrillLost(_("This drill was ended by somebody else while it ran."))

    return say
