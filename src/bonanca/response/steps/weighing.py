"""`response.criteria`: the eight rules once more, kept as evidence of the moment in which the plan began (T4)."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.catalog.queries import get_service
from bonanca.delivery.queries import get_change
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.registry import step
from bonanca.incidents.queries import get_incident
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.queries import get_pin
from bonanca.response.compilers.strategies import strategy_of
from bonanca.response.criteria.measure import Case, measure
from bonanca.response.steps.support import NothingToTakeBack
from bonanca.response.views import TableAtRisk


@step("response.criteria")
class Weigh(NothingToTakeBack):
    """Params: `service`, `pin_id`, `strategy`, `change_id`, `incident_id`, `automatic`.

    A person has decided already, so the rules stop nothing; a plan that the policy started by itself stops here when a
    row is at risk by now.
    """

    def apply(self, ctx: StepContext) -> Receipt:
        try:
            case = _case(ctx)
            rules = measure(case, ctx.now())
        except BonancaError as failure:
            raise StepFailed(failure.message, hint=failure.hint) from failure
        at_risk = sum((t.written_since or 0) + (t.changed or 0) for t in case.rows)
        if ctx.params["automatic"] and (at_risk or any(table.problem or table.changed is None for table in case.rows)):
            raise StepFailed(
                _("Rows have been written since: a rollback that starts by itself may put none at risk."),
                hint=_("Nothing was touched. Ask for a rollback, so that a person decides."),
            )
        return {"outcome": rules.outcome, "rules": [asdict(rule) for rule in rules.rules], "rows_at_risk": at_risk}


def _case(ctx: StepContext) -> Case:
    service, incident_id = get_service(ctx.params["service"]), ctx.params["incident_id"]
    tables: tuple[TableAtRisk, ...] = ()
    if service.database is not None:
        pin = get_pin(UUID(ctx.params["pin_id"]))
        found = strategy_of(ctx.params["strategy"]).at_risk(service, pin, ctx.now())
        tables = tuple(TableAtRisk(t.table, t.written_since, t.changed, problem=t.problem) for t in found)
    incident = get_incident(UUID(incident_id)) if incident_id else None
    return Case(service, get_change(UUID(ctx.params["change_id"])), incident, tables)
