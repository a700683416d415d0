"""A person starts, restarts or stops a service: a small plan, so that it is fenced, followed and undoable."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.delivery.queries import running_sha
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid
from bonanca.kernel.ids import new_id
from bonanca.response.compilers.operate import compile_operation
from bonanca.response.compilers.preview import steps_of, to_json
from bonanca.response.models import ProposedPlan
from bonanca.response.operations.approve_plan import launch
from bonanca.response.operations.contain import MAX_REASON
from bonanca.response.queries import Preview, ProposedPlanView, plan_view
from bonanca.response.specs import spec_to_json
from bonanca.response.state import PlanKind
from bonanca.ui.phrases import Phrase

RESTART = gettext_noop("Restart %(service)s: %(reason)s")
STOP = gettext_noop("Stop %(service)s: %(reason)s")
_TITLES = {PlanKind.RESTART: RESTART, PlanKind.STOP: STOP}


def restart_service(slug: str, *, reason: str, actor: Actor, now: datetime) -> ProposedPlanView:
    """Restart every replica in turn, or start what is stopped or was given up (requirement Y2).

    Raises:
        NotFound: there is no such service.
        NotAllowed: the actor may not act on it.
        Invalid: no reason, or Bonança does not run the service.
        AnotherPlanRuns: a plan of the service is running; nothing was started.
    """
    return _operate(slug, PlanKind.RESTART, reason, actor, now)


def stop_service(slug: str, *, reason: str, actor: Actor, now: datetime) -> ProposedPlanView:
    """Let every replica finish its work and end; nothing starts it again by itself.

    Raises:
        NotFound, NotAllowed, Invalid, AnotherPlanRuns: as `restart_service`.
    """
    return _operate(slug, PlanKind.STOP, reason, actor, now)


@transaction.atomic
def _operate(slug: str, kind: PlanKind, reason: str, actor: Actor, now: datetime) -> ProposedPlanView:
    service = get_service(slug)
    require(actor, Permission.RESPOND, team=service.team_slug)
    why = reason.strip()
    if not why:
        raise Invalid(_("Say why: the reason is kept with the plan."), field="reason")
    if len(why) > MAX_REASON:
        raise Invalid(_("A reason has at most %(limit)s characters.") % {"limit": MAX_REASON}, field="reason")
    title = Phrase(_TITLES[kind], {"service": service.slug, "reason": why})
    identity = new_id()
    spec = compile_operation(service, kind, title=title, plan_id=str(identity))
    sha = running_sha(service) if service.repository is not None and service.root is not None else ""
    shown = Preview(sha, sha, "", None, (), (), steps_of(spec))
    row = ProposedPlan.objects.create(
        id=identity,
        kind=kind,
        service=service.slug,
        team=service.team_slug,
        title=str(title)[:200],
        title_phrase=title.to_json(),
        spec=spec_to_json(spec),
        preview=to_json(shown),
        proposed_by=actor.label,
        proposed_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    audit.record(
        aggregate=f"service:{service.slug}",
        action=f"response.service.{kind}",
        actor=actor.label,
        facts={"plan": identity, "reason": why},
        now=now,
    )
    return launch(plan_view(row), actor=actor, now=now)
