"""Run the chosen items again: a durable plan of batches, so that it can be paused, resumed and stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from uuid import UUID

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.aftercare.events import ReexecutionStarted
from bonanca.aftercare.looking import plan_at_work
from bonanca.aftercare.models import Reexecution, ReexecutionItem
from bonanca.aftercare.operations.choose_items import NotListed
from bonanca.aftercare.queries import get_reexecution
from bonanca.aftercare.state import ItemState, ReexecutionState
from bonanca.aftercare.views import ReexecutionView
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView, SourceSpec
from bonanca.durable.errors import SubjectBusy
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.outbox.operations.publish import publish
from bonanca.ui.phrases import Phrase

KIND = "reexecution"
TITLE = gettext_noop("Run %(count)s failed things of %(service)s again")
STEP = gettext_noop("Run again")
# A plan is paused and stopped between two batches at the latest: a batch is a few seconds of its rate.
BATCH_S = 5
MOST_STEPS = 150
ATTEMPTS = 3
MOST_RATE = 10_000


class NothingChosen(Invalid):
    """Not one item is to be done."""


class Busy(Conflict):
    """Another plan is at work on the service, or runs failed work again."""


@dataclass(frozen=True)
class _Batch:
    source: SourceSpec
    first: int
    last: int
    count: int


def start_reexecution(
    reexecution_id: UUID,
    *,
    rate_per_s: float | None = None,
    stop_percent: float | None = None,
    actor: Actor,
    now: datetime,
) -> ReexecutionView:
    """Start the plan that does the chosen items again; the limits are those of the service unless given.

    Raises:
        ReexecutionNotFound: there is none. NotAllowed: the actor may not act on its service.
        NotListed: it was started or withdrawn already. Busy, NothingChosen: see there; nothing was started.
        Invalid: a limit cannot be accepted, or a source is not declared any more.
    """
    found = get_reexecution(reexecution_id)
    require(actor, Permission.RESPOND, team=found.team)
    rate, stop = _limits(found, rate_per_s, stop_percent)
    if plan_at_work(found.service):
        raise Busy(
            _("A plan is at work on %(service)s.") % {"service": found.service}, hint=_("Wait until it has ended.")
        )
    service = get_service(found.service)
    try:
        with transaction.atomic():
            row = Reexecution.objects.select_for_update().get(id=reexecution_id)
            if row.state != ReexecutionState.LISTED:
                raise NotListed(_("This list is %(state)s.") % {"state": get_reexecution(reexecution_id).state_label})
            _start(row, service, rate, stop, actor, now)
    except SubjectBusy as busy:
        raise Busy(
            _("Failed work of %(service)s is being run again already.") % {"service": found.service}, hint=busy.hint
        ) from None
    return get_reexecution(reexecution_id)


def _limits(found: ReexecutionView, rate_per_s: float | None, stop_percent: float | None) -> tuple[float, float]:
    rate = found.rate_per_s if rate_per_s is None else rate_per_s
    stop = found.stop_percent if stop_percent is None else stop_percent
    if not 0 < rate <= MOST_RATE:
        raise Invalid(_("The rate is above 0 and at most %(most)d a second.") % {"most": MOST_RATE}, field="rate_per_s")
    if not 0 < stop <= 100:
        raise Invalid(_("The share of failures is above 0 and at most 100 percent."), field="stop_percent")
    return rate, stop


def _start(row: Reexecution, service: ServiceView, rate: float, stop: float, actor: Actor, now: datetime) -> None:
    batches = list(_batches(row, service, rate))
    count = sum(batch.count for batch in batches)
    if not count:
        raise NothingChosen(_("Nothing is chosen: take items in first."))
    steps = tuple(_step(row, batch, number, rate, stop) for number, batch in enumerate(batches, 1))
    title = Phrase(TITLE, {"count": count, "service": service.name})
    context = {"team": service.team_slug, "reexecution_id": str(row.id)}
    spec = PlanSpec(KIND, f"service:{row.service}", title, steps, context, exclusive=f"reexecution:{row.service}")
    run = start_plan(spec, actor=actor, now=now, key=f"reexecution:{row.id}")
    row.state, row.run_id, row.started_by, row.started_at = ReexecutionState.RUNNING, run.id, actor.label, now
    row.rate_per_s, row.stop_percent, row.weighed_from = rate, stop, now
    row.save()
    audit.record(
        aggregate=f"reexecution:{row.id}",
        action="aftercare.reexecution.started",
        actor=actor.label,
        facts={"service": row.service, "run": run.id, "items": count, "rate_per_s": rate, "stop_percent": stop},
        now=now,
    )
    publish(ReexecutionStarted(row.id, row.service, count, actor.shown_name, now, row.incident_id), now=now)


def _batches(row: Reexecution, service: ServiceView, rate: float) -> Iterator[_Batch]:
    declared = {source.name: source for source in (service.reexecution.sources if service.reexecution else ())}
    chosen = ReexecutionItem.objects.filter(reexecution=row, state=ItemState.CHOSEN)
    positions = list(chosen.order_by("position").values_list("source", "position"))
    names = list(dict.fromkeys(name for name, _position in positions))
    size = max(1, ceil(rate * BATCH_S), ceil(len(positions) / max(1, MOST_STEPS - len(names))))
    for name in names:
        if name not in declared:
            raise Invalid(_("The source %(name)s is not declared any more.") % {"name": name}, field="source")
        mine = [position for source, position in positions if source == name]
        # A replay is given all at once: what belongs together may be in several items.
        step = len(mine) if declared[name].again.replay else size
        for start in range(0, len(mine), step):
            part = mine[start : start + step]
            yield _Batch(declared[name], part[0], part[-1], len(part))


def _step(row: Reexecution, batch: _Batch, number: int, rate: float, stop: float) -> StepSpec:
    again = batch.source.again
    each_s = again.http.timeout_s if again.http else again.timeout_s
    params = {
        "reexecution_id": str(row.id),
        "service": row.service,
        # As it was when people chose: a catalog that changes meanwhile changes nothing of a running plan.
        "source": msgspec.to_builtins(batch.source),
        "first": batch.first,
        "last": batch.last,
        "rate_per_s": rate,
        "stop_percent": stop,
    }
    timeout_s = 120 + batch.count / rate + (each_s if again.replay else batch.count * (ATTEMPTS * each_s + 5))
    key = f"{batch.source.name}-{number}"
    return StepSpec(
        key, "aftercare.reexecute", params, STEP, timeout_s=timeout_s, expected_s=batch.count / rate, retry_for_s=900
    )
