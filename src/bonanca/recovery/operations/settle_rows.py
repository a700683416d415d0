"""A person decides about rows that a rollback set aside: apply them again, or let them go with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.kernel.ids import new_id
from bonanca.recovery.models import SetAside, SetAsideRow
from bonanca.recovery.queries import get_set_aside
from bonanca.recovery.state import UNDECIDED, RowOutcome
from bonanca.recovery.views import SetAsideView
from bonanca.running.privacy import check_step
from bonanca.ui.phrases import Phrase

APPLY, DISCARD = "apply", "discard"
DECISIONS = (APPLY, DISCARD)
MAX_REASON = 500
MAX_ROWS = 5000
KIND = "reapply"
TITLE = gettext_noop("Apply rows of %(service)s again")
STEP = gettext_noop("Give the rows to the service")


class RowsSettled(Conflict):
    """Not all of the rows wait for a person: somebody has decided, or the service has answered."""


class RowsGone(Conflict):
    """The content of the rows was removed by policy."""


@transaction.atomic
def settle_rows(
    set_aside_id: UUID,
    *,
    rows: Sequence[tuple[str, str]],
    decision: str,
    reason: str,
    actor: Actor,
    now: datetime,
) -> SetAsideView:
    """Settle rows by table and key. Those to apply are given to the service's `replay` once more, by a plan.

    All or nothing: when one of the rows does not wait for a person, none is settled.

    Raises:
        SetAsideNotFound: there is no such list. NotAllowed: the actor may not act on the service.
        Invalid: no row, too many, an unknown decision, or no reason; `field` says which.
        RowsSettled, RowsGone: see there.
    """
    found = get_set_aside(set_aside_id)
    service = get_service(found.service)
    require(actor, Permission.RESPOND, team=service.team_slug)
    said = _checked(rows, decision, reason)
    if decision == APPLY and not service.replay:
        raise Invalid(
            _("%(service)s declares no replay: nothing can apply a row again.") % {"service": service.slug},
            field="decision",
        )
    if decision == APPLY and found.removed_at is not None:
        raise RowsGone(_("The content of these rows was removed when its time was over."))
    wanted = Q()
    for table, key in set(rows):
        wanted |= Q(table=table, key=key)
    waiting = SetAsideRow.objects.filter(wanted, set_aside_id=set_aside_id, outcome__in=UNDECIDED)
    outcome = RowOutcome.PENDING if decision == APPLY else RowOutcome.DISCARDED
    settled = waiting.update(outcome=outcome, reason=said, settled_at=now, settled_by=actor.label)
    if settled != len(set(rows)):
        raise RowsSettled(_("Some of these rows wait for nobody any more: look at the list again."))
    record(
        aggregate=f"set-aside:{set_aside_id}",
        action=f"rows.{decision}",
        actor=actor.label,
        facts={"rows": sorted(f"{table} {key}" for table, key in set(rows))[:200], "count": settled, "reason": said},
        now=now,
    )
    if decision == APPLY:
        SetAside.objects.filter(id=set_aside_id).update(reapplied_at=None)
        _start(found, service.name, service.team_slug, actor, now)
    return get_set_aside(set_aside_id)


def _checked(rows: Sequence[tuple[str, str]], decision: str, reason: str) -> str:
    if not rows or len(rows) > MAX_ROWS:
        raise Invalid(_("Choose from one to %(limit)s rows.") % {"limit": MAX_ROWS}, field="rows")
    if decision not in DECISIONS:
        raise Invalid(
            _("The decision is one of %(known)s (got %(given)s).")
            % {"known": ", ".join(DECISIONS), "given": decision[:60]},
            field="decision",
        )
    said = reason.strip()
    if not said or len(said) > MAX_REASON:
        raise Invalid(_("Say why, in at most %(limit)s characters.") % {"limit": MAX_REASON}, field="reason")
    return said


def _start(found: SetAsideView, name: str, team: str, actor: Actor, now: datetime) -> None:
    params = {"service": found.service, "set_aside_id": str(found.id)}
    step = StepSpec("reapply", "recovery.reapply_rows", params, STEP, timeout_s=900)
    title = Phrase(TITLE, {"service": name})
    # Rows that were set aside before somebody was erased would bring them back.
    steps = (step, *filter(None, [check_step(get_service(found.service))]))
    spec = PlanSpec(KIND, f"service:{found.service}", title, steps, {"team": team})
    start_plan(spec, actor=actor, now=now, key=f"reapply:{found.id}:{new_id()}")
