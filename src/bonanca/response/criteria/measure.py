"""Measure what can be measured of the eight rules, each with its evidence; the rest waits for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import SEVERITIES, CriteriaSpec, RollbackSpec, ServiceView, VerifySpec
from bonanca.delivery.queries import ChangeView
from bonanca.incidents.queries import IncidentView, recent_incidents
from bonanca.kernel.errors import BonancaError
from bonanca.response.criteria.rules import Opinion, Rule
from bonanca.response.models import ProposedPlan
from bonanca.response.state import PlanKind, PlanState
from bonanca.response.verification import ask
from bonanca.response.views.criteria import Criteria, Criterion
from bonanca.response.views.previews import TableAtRisk
from bonanca.signals.queries import alerts_between, budget_spent_by, impact

FAILED = gettext_noop("%(failed)s of %(total)s requests failed in the last %(for_s)s")
NO_REQUESTS = gettext_noop("No request was counted in the last %(for_s)s")
SPENT = gettext_noop("It has cost %(percent)s %% of the error budget")
NO_BUDGET = gettext_noop("No objective of the service is measured")
BUSINESS = gettext_noop("The business question answers %(found)s")
NO_BUSINESS = gettext_noop("No business question is declared: a person has to say")
BUSINESS_SILENT = gettext_noop("The business question could not be asked: %(why)s")
ALERTS = gettext_noop("%(alerts)s alerts burned; the incident is %(severity)s")
ALERTS_ONLY = gettext_noop("%(alerts)s alerts burned, %(heavy)s of them critical or high")
WOULD_WAIT = gettext_noop("%(rows)s rows written since would wait for a decision: the service declares no replay")
UNCOUNTED = gettext_noop("The rows written since could not be counted")
ROWS_RETURN = gettext_noop(
    "%(rows)s rows written since would be applied again. Whether data is being lost or exposed, a person has to say"
)
NO_ROWS = gettext_noop("No row is at risk. Whether data is being lost or exposed, a person has to say")
ASK_PERSON = gettext_noop("Nothing measures this: a person has to say")
HISTORY = gettext_noop(
    "In %(days)s days: %(incidents)s similar incidents, %(helped)s rollbacks that helped, %(failed)s that failed"
)
UNMEASURED = gettext_noop("It could not be measured: %(why)s")


@dataclass(frozen=True)
class Case:
    """What the rules are asked about. `rows` is what the rollback would set aside, as counted."""

    service: ServiceView
    change: ChangeView
    incident: IncidentView | None
    rows: tuple[TableAtRisk, ...]

    @property
    def spec(self) -> CriteriaSpec:
        return (self.service.rollback or RollbackSpec()).criteria

    @property
    def since(self) -> datetime:
        """When the trouble began: the incident's measured start, else when the change went out."""
        if self.incident is not None:
            return self.incident.started_at
        return self.change.deploying_at or self.change.proposed_at


def measure(case: Case, now: datetime) -> Criteria:
    """Return all eight rules. Reads only; a rule that cannot be measured says why, and is not known."""
    rules = tuple(_told(rule, partial(_MEASURES[rule], case, now)) for rule in Rule)
    severity = case.incident.severity if case.incident else ""
    return Criteria(rules, case.spec.needed, severity)


def _told(rule: Rule, measured: Callable[[], Criterion]) -> Criterion:
    try:
        return measured()
    except BonancaError as failure:
        return Criterion(rule, Opinion.UNKNOWN, UNMEASURED, {"why": str(failure)})


def _end_user(case: Case, now: datetime) -> Criterion:
    seen, for_s = impact(case.service.slug, case.since, now), round((now - case.since).total_seconds())
    if not seen.total:
        return Criterion(Rule.END_USER, Opinion.UNKNOWN, NO_REQUESTS, {"for_s": for_s})
    heavy = seen.failed >= case.spec.failed_requests or seen.failed_ratio * 100 >= case.spec.failed_percent
    facts = {"failed": seen.failed, "total": seen.total, "for_s": for_s}
    return Criterion(Rule.END_USER, _opinion(heavy), FAILED, facts)


def _data(case: Case, now: datetime) -> Criterion:
    if any(table.problem for table in case.rows):
        return Criterion(Rule.DATA, Opinion.UNKNOWN, UNCOUNTED)
    rows = sum((table.written_since or 0) + (table.changed or 0) for table in case.rows)
    if rows and not case.service.replay:
        return Criterion(Rule.DATA, Opinion.AGAINST, WOULD_WAIT, {"rows": rows})
    if not rows:
        return Criterion(Rule.DATA, Opinion.UNKNOWN, NO_ROWS)
    return Criterion(Rule.DATA, Opinion.UNKNOWN, ROWS_RETURN, {"rows": rows})


def _business(case: Case, now: datetime) -> Criterion:
    asked = case.spec.business
    if asked is None or case.service.database is None:
        return Criterion(Rule.BUSINESS, Opinion.UNKNOWN, NO_BUSINESS)
    check = VerifySpec("business", sql=asked.sql, equals=asked.equals, at_least=asked.at_least)
    [verdict] = ask(check, replicas=(), dsn=case.service.database.dsn())
    if verdict.error:
        return Criterion(Rule.BUSINESS, Opinion.UNKNOWN, BUSINESS_SILENT, {"why": verdict.found})
    return Criterion(Rule.BUSINESS, _opinion(not verdict.passed), BUSINESS, {"found": verdict.found[:200]})


def _availability(case: Case, now: datetime) -> Criterion:
    spent = budget_spent_by(case.service.slug, case.since, now)
    if spent is None:
        return Criterion(Rule.AVAILABILITY, Opinion.UNKNOWN, NO_BUDGET)
    return Criterion(
        Rule.AVAILABILITY, _opinion(spent >= case.spec.budget_percent), SPENT, {"percent": round(spent, 1)}
    )


def _asked(rule: Rule) -> Callable[[Case, datetime], Criterion]:
    return lambda case, now: Criterion(rule, Opinion.UNKNOWN, ASK_PERSON)


def _monitoring(case: Case, now: datetime) -> Criterion:
    burned = alerts_between(case.service.slug, case.since - timedelta(minutes=1), now)
    heavy = sum(alert.severity in ("critical", "high") for alert in burned)
    if case.incident is None:
        return Criterion(Rule.MONITORING, _opinion(heavy > 0), ALERTS_ONLY, {"alerts": len(burned), "heavy": heavy})
    grave = SEVERITIES.index(case.incident.severity) <= SEVERITIES.index(case.spec.severity)
    # Its name in English, as a message id: the reader gets it in their language.
    severity = {"text": case.incident.severity, "facts": {}}
    return Criterion(Rule.MONITORING, _opinion(grave), ALERTS, {"alerts": len(burned), "severity": severity})


def _history(case: Case, now: datetime) -> Criterion:
    since = now - timedelta(days=case.spec.history_days)
    ended = ProposedPlan.objects.filter(
        kind=PlanKind.ROLLBACK, service=case.service.slug, finished_at__gte=since, run_id__isnull=False
    )
    helped, failed = (ended.filter(state=state).count() for state in (PlanState.SUCCEEDED, PlanState.FAILED))
    facts = {"days": round(case.spec.history_days), "incidents": _similar(case, since), "helped": helped}
    opinion = Opinion.UNKNOWN
    if helped != failed:
        opinion = _opinion(helped > failed)
    return Criterion(Rule.HISTORY, opinion, HISTORY, {**facts, "failed": failed})


def _similar(case: Case, since: datetime) -> int:
    """Incidents of the same service with the same cause for opening: the same words, whoever wrote them."""
    if case.incident is None:
        return 0
    ours = _words(case.incident)
    return sum(
        other.id != case.incident.id and other.started_at >= since and _words(other) == ours
        for other in recent_incidents(service=case.service.slug)
    )


def _words(incident: IncidentView) -> str:
    # The objective's name, not the percentage that was measured that time.
    if incident.title_phrase:
        facts = incident.title_phrase.get("facts", {})
        return f"{incident.title_phrase.get('text')} {facts.get('name') or facts.get('slo') or ''}"
    return incident.title.casefold()


def _opinion(speaks_for_it: bool) -> Opinion:
    return Opinion.FOR if speaks_for_it else Opinion.AGAINST


_MEASURES: dict[Rule, Callable[[Case, datetime], Criterion]] = {
    Rule.END_USER: _end_user,
    Rule.DATA: _data,
    Rule.BUSINESS: _business,
    Rule.AVAILABILITY: _availability,
    Rule.COMPLIANCE: _asked(Rule.COMPLIANCE),
    Rule.REPUTATION: _asked(Rule.REPUTATION),
    Rule.MONITORING: _monitoring,
    Rule.HISTORY: _history,
}
