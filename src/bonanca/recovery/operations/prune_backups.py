"""Remove what the retention policy does not keep: first in our records, then in every place."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM, Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import list_services
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError, Conflict, Invalid
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import BackupPruned
from bonanca.recovery.models import Backup, BackupReplica, Drill
from bonanca.recovery.operations.remove_copies import remove_copies
from bonanca.recovery.queries import retention_plan
from bonanca.recovery.state import BackupState, DrillState, ReplicaState, backup_sources, replica_sources
from bonanca.recovery.views import RetentionPlan


class NoRetentionDeclared(Invalid):
    """The service declares no retention: nothing is ever removed."""


class PlanChanged(Conflict):
    """What would be removed is not what was shown."""


def prune_backups(*, service: str, digest: str, actor: Actor, now: datetime) -> RetentionPlan:
    """Remove exactly what a plan with this `digest` showed; returns that plan.

    A backup is marked first, so that nobody restores what is going; its copies go then, and those of a place that does
    not answer go once it does.

    Raises:
        NotFound, NoRetentionDeclared, NotAllowed.
        PlanChanged: by now something else would go; nothing was removed.
    """
    require(actor, Permission.COMMAND)
    plan = retention_plan(service, now)
    if plan.policy is None:
        raise NoRetentionDeclared(
            _("The service %(service)s declares no retention, so everything is kept.") % {"service": service},
            hint=_("Declare `backup.retention` (last, daily, weekly, monthly) in bonanca.yaml and apply it."),
        )
    if plan.digest != digest:
        raise PlanChanged(_("By now something else would be removed; look at the plan again."))
    for row in plan.goes:
        _mark(row.backup_id, service, actor, now)
    remove_copies(now=now, service=service)
    return plan


def prune_automatically(*, now: datetime) -> list[str]:
    """Prune the services whose policy says `automatic`; returns a line for each that could not be."""
    problems = []
    for service in list_services():
        if service.backup is None or service.backup.retention is None or not service.backup.retention.automatic:
            continue
        try:
            plan = retention_plan(service.slug, now)
            if plan.goes:
                prune_backups(service=service.slug, digest=plan.digest, actor=SYSTEM("retention"), now=now)
        except BonancaError as error:
            problems.append(f"{service.slug}: {error}")
    return problems


def _mark(backup_id: UUID, service: str, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        # A drill that begins meanwhile waits for this lock, and then finds the backup gone.
        sources = backup_sources(BackupState.PRUNED)
        held = Backup.objects.select_for_update().filter(pk=backup_id, state__in=sources).first()
        drilled = Drill.objects.filter(backup_id=backup_id, state=DrillState.RUNNING).exists()
        copying = BackupReplica.objects.filter(backup_id=backup_id, state=ReplicaState.COPYING).exists()
        if held is None or drilled or copying:
            return
        copies = BackupReplica.objects.filter(backup_id=backup_id)
        size = copies.aggregate(total=Sum("size_bytes"))["total"] or 0
        Backup.objects.filter(pk=backup_id).update(state=BackupState.PRUNED)
        copies.filter(state__in=replica_sources(ReplicaState.REMOVING)).update(
            state=ReplicaState.REMOVING, next_try_at=None, error=""
        )
        facts = {"service": service, "size_bytes": size}
        record(aggregate=f"backup:{backup_id}", action="backup.pruned", actor=actor.label, facts=facts, now=now)
        publish(BackupPruned(backup_id, service, size), now=now)
