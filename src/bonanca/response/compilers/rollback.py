"""Compile a rollback: code, data and configuration back to a pin, with nothing thrown away (requirement T7)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.recovery.views import PinView
from bonanca.response.compilers import parts
from bonanca.ui.phrases import Words

PREFLIGHT = gettext_noop("Check that everything needed is there")
COPY = gettext_noop("Copy the pinned database beside the running one")
MAINTENANCE = gettext_noop("Show the maintenance page")
STOP = gettext_noop("Let running work finish and stop")
CODE = gettext_noop("Put the earlier code back")
DATA = gettext_noop("Put the pinned database in place, keep the replaced one")
SET_ASIDE = gettext_noop("List the rows written since")
CONFIG = gettext_noop("Put the earlier configuration back")
RESTART = gettext_noop("Start again")
VERIFY = gettext_noop("Check from outside that it works")
REAPPLY = gettext_noop("Apply the rows written since again")
OPEN = gettext_noop("Let requests through again")
LIFT = gettext_noop("Take back the containments of the incident")
WATCH = gettext_noop("Watch closely for a while")

WATCH_S = 15.0


def compile_rollback(
    service: ServiceView, pin: PinView, *, title: Words, plan_id: str, incident_id: str | None, change_id: str | None
) -> PlanSpec:
    """Return the frozen plan that brings the service back to the pin.

    The order matters: requests are answered politely before anything stops, data is swapped while
    nothing writes, rows are applied again before anybody can order under the same number, and only
    what was verified is opened. Undone last first, the same order brings everything forth again.

    Raises:
        Invalid: the service does not declare what a rollback needs.
    """
    back = {"service": service.slug, "pin_id": str(pin.id)}
    steps: list[StepSpec | None] = [
        StepSpec("preflight", "response.preflight", back, PREFLIGHT, timeout_s=60),
        # The copy is made while everything still runs, so that the maintenance is as short as a rename.
        StepSpec("copy", "recovery.prepare_restore", back, COPY, timeout_s=900) if service.database else None,
        _gateway(service, "maintenance", "gateway.maintenance", MAINTENANCE),
        parts.stop(service, STOP),
        parts.release(service, pin.release_sha, CODE),
    ]
    if service.database is not None:
        steps.append(StepSpec("data", "recovery.restore_pin", back, DATA, timeout_s=900))
        if service.database.rows_at_risk:
            steps.append(StepSpec("set_aside", "recovery.set_aside", back, SET_ASIDE, timeout_s=300))
    if service.config is not None:
        steps.append(StepSpec("configuration", "recovery.restore_config", back, CONFIG, timeout_s=30))
    steps += [parts.restart(service, RESTART), parts.verify(service, VERIFY)]
    if service.database is not None and service.database.rows_at_risk and service.replay:
        steps.append(StepSpec("reapply", "recovery.reapply_rows", back, REAPPLY, timeout_s=900))
    if incident_id is not None:
        # Under the maintenance page, so that opening waits for the gateway to have taken both back.
        lift = {"incident_id": incident_id}
        steps.append(StepSpec("lift", "response.lift_containments", lift, LIFT, timeout_s=30))
    steps.append(_gateway(service, "open", "gateway.open", OPEN))
    if service.slos:
        watch = {"service": service.slug, "seconds": WATCH_S}
        steps.append(StepSpec("watch", "response.watch", watch, WATCH, timeout_s=WATCH_S + 60, expected_s=WATCH_S))
    context = {
        "team": service.team_slug,
        "plan_id": plan_id,
        "incident_id": incident_id,
        "change_id": change_id,
        "pin_id": str(pin.id),
    }
    plan = PlanSpec("rollback", f"service:{service.slug}", title, tuple(s for s in steps if s is not None), context)
    return parts.with_expected_times(plan)


def _gateway(service: ServiceView, key: str, kind: str, title: str) -> StepSpec | None:
    if service.gateway is None:
        return None
    params: dict[str, Any] = {"gateway": service.gateway.name, "service": service.slug}
    if kind == "gateway.maintenance":
        params |= {"message": parts.MAINTENANCE_WORDS, "retry_after_s": 15, "max_s": 1800}
    else:
        params |= {"step": "maintenance"}
    return StepSpec(key, kind, params, title, timeout_s=30)
