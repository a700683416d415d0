"""A commander says yes: the restore that was previewed starts, exactly as it was shown."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.durable.operations.start_plan import SubjectBusy, start_plan
from bonanca.durable.plan import PlanSpec
from bonanca.durable.queries import unfinished_of
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import RestoreStarted
from bonanca.recovery.models import Restore
from bonanca.recovery.queries import get_restore
from bonanca.recovery.restore_plans import KIND
from bonanca.recovery.state import RestoreState
from bonanca.recovery.verdicts import refusals
from bonanca.recovery.views import RestoreView
from bonanca.ui.phrases import phrase_of

# Plans that change the service's data or its processes; backups and drills only read.
_IN_THE_WAY = frozenset({KIND, "rollback", "deployment"})


class RestoreRefused(Conflict):
    """Something stands in the way; the message says what."""


class PreviewTooOld(Conflict):
    """The preview has expired."""


class AlreadyStarted(Conflict):
    """Somebody was first."""


class AnotherPlanRuns(Conflict):
    """Another plan is changing this service."""


def start_restore(restore_id: UUID, *, actor: Actor, now: datetime) -> RestoreView:
    """Start a previewed restore, in one transaction.

    Raises:
        RestoreNotFound, NotAllowed (commanders only).
        RestoreRefused, PreviewTooOld, AlreadyStarted, AnotherPlanRuns: nothing was started.
    """
    require(actor, Permission.COMMAND)
    shown = get_restore(restore_id)
    if shown.state is not RestoreState.PROPOSED:
        raise AlreadyStarted(_("This restore has been started already."))
    if shown.expires_at <= now:
        raise PreviewTooOld(_("This preview is too old."), hint=_("Ask for a new one: the server has moved on."))
    standing = refusals(shown.verdict)
    if standing:
        raise RestoreRefused(
            ". ".join(standing) + ".", hint=_("Nothing was touched. Remove the cause and preview again.")
        )
    subject = f"service:{shown.service}"
    if any(run.kind.removesuffix(".undo") in _IN_THE_WAY for run in unfinished_of(subject)):
        raise AnotherPlanRuns(_("A plan of this service is running already."))
    with transaction.atomic():
        row = Restore.objects.select_for_update().get(pk=restore_id)
        team = get_service(shown.service).team_slug
        spec = PlanSpec(
            KIND,
            subject,
            phrase_of("", row.spec["title"]),
            shown.steps,
            {"team": team, "restore_id": str(restore_id)},
            exclusive=subject,
        )
        try:
            run = start_plan(spec, actor=actor, now=now, key=f"restore:{restore_id}")
        except SubjectBusy as busy:
            raise AnotherPlanRuns(_("A plan of this service is running already."), hint=busy.hint) from None
        moved = Restore.objects.filter(pk=restore_id, state=RestoreState.PROPOSED).update(
            state=RestoreState.STARTED, started_by=actor.label, started_at=now, run_id=run.id
        )
        if not moved:
            raise AlreadyStarted(_("This restore has been started already."))
        facts = {"run": str(run.id), "backup": str(shown.backup_id), "database": shown.database}
        record(aggregate=f"restore:{restore_id}", action="restore.started", actor=actor.label, facts=facts, now=now)
        publish(RestoreStarted(restore_id, shown.service, run.id, shown.mode.value, shown.database), now=now)
    return get_restore(restore_id)
