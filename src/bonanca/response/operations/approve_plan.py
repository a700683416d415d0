"""A person says yes, and what was previewed is carried out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.operations.start_plan import SubjectBusy, start_plan
from bonanca.durable.operations.undo_plan import undo_plan
from bonanca.durable.queries import unfinished_of
from bonanca.durable.views import PlanRunView
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict
from bonanca.outbox.operations.publish import publish
from bonanca.response.criteria.rules import Opinion
from bonanca.response.events import PlanApproved
from bonanca.response.models import PlanApproval, ProposedPlan
from bonanca.response.queries import ProposedPlanView, get_plan
from bonanca.response.specs import spec_from_json
from bonanca.response.state import Door, PlanKind, PlanState
from bonanca.ui.phrases import phrase_of

# A restore of the service's data is recovery's plan; both must not change the same database at once.
_IN_THE_WAY = frozenset({*PlanKind.values, "restore"})

# Who asked for it and who approved it, when two have to agree.
EYES = 2


class NotWaiting(Conflict):
    """Somebody was first: it was approved or withdrawn already."""


class PreviewTooOld(Conflict):
    """The preview has expired: ask for a new one."""


class ChecksFailed(Conflict):
    """Something that the plan needs is missing."""


class CriteriaForbid(Conflict):
    """A person said that the rollback itself would do harm."""


class SecondPersonNeeded(Conflict):
    """Two people have to agree, and this one asked for it or has agreed already."""


class AnotherPlanRuns(Conflict):
    """A plan of this service is running already."""


def approve_plan(
    plan_id: UUID, *, override_reason: str = "", via: str = Door.PAGE, actor: Actor, now: datetime
) -> ProposedPlanView:
    """Approve a proposed plan and start it, in one transaction (requirement T5).

    Where two people have to agree, who asked for it is one and this is the other; a plan that nobody asked for waits
    for a second approval and stays proposed. Against criteria that forbid it only with a reason, which the audit keeps.

    Raises:
        NotFound: there is no such plan.
        NotAllowed: the actor is not a commander.
        NotWaiting, PreviewTooOld, ChecksFailed, CriteriaForbid, SecondPersonNeeded, AnotherPlanRuns: see there;
            nothing was started.
    """
    require(actor, Permission.COMMAND)
    plan = get_plan(plan_id)
    _refuse(plan, override_reason, actor, now)
    against = override_reason.strip()[:500] if plan.criteria.forbids else ""
    with transaction.atomic():
        _agree(plan, actor, via, now)
        if _enough(plan):
            return launch(plan, against=against, via=via, actor=actor, now=now)
    return get_plan(plan_id)


def _refuse(plan: ProposedPlanView, override_reason: str, actor: Actor, now: datetime) -> None:
    if not plan.waits_for_approval:
        raise NotWaiting(_("This plan is %(state)s.") % {"state": plan.state_label})
    if plan.expires_at <= now:
        raise PreviewTooOld(_("This preview is too old."), hint=_("Ask for a new one: the data has moved on."))
    if _overtaken(plan):
        raise PreviewTooOld(
            _("Another plan of this service ran since this preview was made."), hint=_("Ask for a new preview.")
        )
    missing = [check for check in plan.preview.checks if not check.passed]
    if missing:
        passing = all(check.facts.get("may_pass") for check in missing)
        raise ChecksFailed(
            " ".join(check.words for check in missing),
            hint=_("It may be back by now: ask for a new preview.") if passing else None,
        )
    if plan.criteria.forbids and not override_reason.strip():
        raise CriteriaForbid(
            f"{plan.criteria.outcome_label}: {_against(plan)}",
            hint=_("A commander can go on with a reason."),
            field="override_reason",
        )
    if plan.four_eyes and actor.label in (plan.proposed_by, *(given.by for given in plan.approvals)):
        raise SecondPersonNeeded(
            _("Two people have to agree, and you are one of them already."),
            hint=_("Somebody else approves it: on the plan's page, or by the link that they were sent."),
        )


def _agree(plan: ProposedPlanView, actor: Actor, via: str, now: datetime) -> None:
    # The row is held: of two approvals at once the second counts the first.
    ProposedPlan.objects.select_for_update().filter(id=plan.id).first()
    PlanApproval.objects.get_or_create(
        plan_id=plan.id, by=actor.label, defaults={"name": actor.shown_name, "via": via, "at": now}
    )
    audit.record(
        aggregate=f"response-plan:{plan.id}",
        action="response.plan.agreed",
        actor=actor.label,
        facts={"via": via, "four_eyes": plan.preview.four_eyes},
        now=now,
    )


def _enough(plan: ProposedPlanView) -> bool:
    agreed = set(PlanApproval.objects.filter(plan_id=plan.id).values_list("by", flat=True))
    if not plan.proposed_by.startswith("system:"):
        agreed.add(plan.proposed_by)
    return not plan.four_eyes or len(agreed) >= EYES


def launch(
    plan: ProposedPlanView, *, against: str = "", via: str = "", actor: Actor, now: datetime
) -> ProposedPlanView:
    """Start a proposed plan; who may has been checked.

    Raises:
        NotWaiting, AnotherPlanRuns: see there; nothing was started.
    """
    if any(run.kind.removesuffix(".undo") in _IN_THE_WAY for run in unfinished_of(f"service:{plan.service}")):
        # A plan that failed and is tried again is no running row of ours.
        raise AnotherPlanRuns(_("A plan of this service is running already."))
    try:
        with transaction.atomic():
            run = _start(plan, actor, now)
            moved = ProposedPlan.objects.filter(id=plan.id, state=PlanState.PROPOSED).update(
                state=PlanState.RUNNING, approved_by=actor.label, approved_at=now, run_id=run.id
            )
            if not moved:
                raise NotWaiting(_("Somebody else has decided about this plan."))
            audit.record(
                aggregate=f"response-plan:{plan.id}",
                action="response.plan.approved",
                actor=actor.label,
                facts={
                    "run": run.id,
                    **({"via": via} if via else {}),
                    **({"against_criteria": against} if against else {}),
                },
                now=now,
            )
            publish(
                PlanApproved(
                    plan_id=plan.id,
                    kind=plan.kind,
                    service=plan.service,
                    title=plan.title,
                    actor=actor.shown_name,
                    at=now,
                    incident_id=plan.incident_id,
                    change_id=plan.change_id,
                    title_phrase=plan.title_phrase,
                ),
                now=now,
            )
    except SubjectBusy as busy:
        raise AnotherPlanRuns(_("A plan of this service is running already."), hint=busy.hint) from None
    except IntegrityError as clash:
        if "one_running" not in str(clash):
            raise
        raise AnotherPlanRuns(_("A plan of this service is running already.")) from None
    return get_plan(plan.id)


def _against(plan: ProposedPlanView) -> str:
    rules = plan.criteria.rules
    return "; ".join(f"{r.label}: {r.answer}" for r in rules if r.answered_by and r.opinion == Opinion.AGAINST)


def _overtaken(plan: ProposedPlanView) -> bool:
    """Whether the service was changed after the preview looked at it."""
    later = ProposedPlan.objects.filter(service=plan.service).exclude(id=plan.id)
    return later.filter(approved_at__gte=plan.proposed_at).exists()


def _start(plan: ProposedPlanView, actor: Actor, now: datetime) -> PlanRunView:
    row = ProposedPlan.objects.get(id=plan.id)
    if plan.kind == PlanKind.UNDO:
        # propose_undo sees to both.
        assert row.undoes is not None
        assert row.undoes.run_id is not None
        return undo_plan(row.undoes.run_id, actor=actor, now=now)
    spec = spec_from_json(row.spec, title=phrase_of(row.title, row.title_phrase))
    # The database sees to it that nothing else of this service runs, whoever starts or retries it at this moment.
    spec = replace(spec, exclusive=spec.subject)
    return start_plan(spec, actor=actor, now=now, key=f"response:{plan.id}")
