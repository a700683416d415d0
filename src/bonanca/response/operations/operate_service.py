"""A person starts, restarts, stops a service or divides its requests: a small plan, fenced, followed and undoable."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView
from bonanca.delivery.queries import running_sha
from bonanca.durable.plan import PlanSpec
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid
from bonanca.kernel.ids import new_id
from bonanca.response.compilers.operate import compile_operation, compile_shift
from bonanca.response.compilers.preview import steps_of, to_json
from bonanca.response.measures import shown
from bonanca.response.models import ProposedPlan
from bonanca.response.operations.approve_plan import launch
from bonanca.response.operations.contain import LONGEST_S, MAX_REASON, SHORTEST_S
from bonanca.response.queries import Preview, ProposedPlanView, plan_view
from bonanca.response.specs import spec_to_json
from bonanca.response.state import PlanKind
from bonanca.ui.phrases import Phrase

RESTART = gettext_noop("Restart %(service)s: %(reason)s")
STOP = gettext_noop("Stop %(service)s: %(reason)s")
SHIFT = gettext_noop("Share the requests of %(service)s out (%(weights)s): %(reason)s")
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


def shift_traffic(
    slug: str, *, weights: str, expires_in_s: int, reason: str, actor: Actor, now: datetime
) -> ProposedPlanView:
    """Divide the service's requests among its replicas, or between it and its redundant site (requirements Y1, Y3).

    `weights` are such as `replicas=90 standby=10` or `8001=3 8002=1`; they end by themselves after `expires_in_s`.

    Raises:
        NotFound, NotAllowed, AnotherPlanRuns: as `restart_service`.
        Invalid: no reason, weights that do not fit the service, no gateway, or too short or long a time.
    """
    if not SHORTEST_S <= expires_in_s <= LONGEST_S:
        raise Invalid(
            _("Weights last from %(least)s seconds to %(most)s hours.")
            % {"least": SHORTEST_S, "most": LONGEST_S // 3600},
            field="expires_in_s",
        )
    service, why = _allowed(slug, reason, actor)
    facts = {"service": service.slug, "weights": shown(weights)[:100], "reason": why}
    title, identity = Phrase(SHIFT, facts), new_id()
    spec = compile_shift(service, weights, for_s=float(expires_in_s), title=title, plan_id=str(identity))
    return _launched(service, PlanKind.TRAFFIC, identity, title, spec, why, actor, now)


def _operate(slug: str, kind: PlanKind, reason: str, actor: Actor, now: datetime) -> ProposedPlanView:
    service, why = _allowed(slug, reason, actor)
    title, identity = Phrase(_TITLES[kind], {"service": service.slug, "reason": why}), new_id()
    spec = compile_operation(service, kind, title=title, plan_id=str(identity))
    return _launched(service, kind, identity, title, spec, why, actor, now)


def _allowed(slug: str, reason: str, actor: Actor) -> tuple[ServiceView, str]:
    service = get_service(slug)
    require(actor, Permission.RESPOND, team=service.team_slug)
    why = reason.strip()
    if not why:
        raise Invalid(_("Say why: the reason is kept with the plan."), field="reason")
    if len(why) > MAX_REASON:
        raise Invalid(_("A reason has at most %(limit)s characters.") % {"limit": MAX_REASON}, field="reason")
    return service, why


@transaction.atomic
def _launched(
    service: ServiceView,
    kind: PlanKind,
    identity: UUID,
    title: Phrase,
    spec: PlanSpec,
    why: str,
    actor: Actor,
    now: datetime,
) -> ProposedPlanView:
    sha = running_sha(service) if service.repository is not None and service.root is not None else ""
    preview = Preview(sha, sha, "", None, (), (), steps_of(spec))
    row = ProposedPlan.objects.create(
        id=identity,
        kind=kind,
        service=service.slug,
        team=service.team_slug,
        title=str(title)[:200],
        title_phrase=title.to_json(),
        spec=spec_to_json(spec),
        preview=to_json(preview),
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
