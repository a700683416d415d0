"""Compile a restore: check, load into a database of its own, compare, and only then give it the name it is to have."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext_noop

from bonanca.actuators.process.spec import Health, ProcessSpec, Replica
from bonanca.catalog.spec import ServiceView
from bonanca.durable import queries as durable
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.state import RunState
from bonanca.recovery.state import RestoreMode
from bonanca.ui.phrases import Phrase

KIND = "restore"
BESIDE = gettext_noop("Restore %(service)s into the database %(database)s")
SWAP = gettext_noop("Restore %(service)s and put it in the place of %(database)s")

PREFLIGHT = gettext_noop("Check that nothing stands in the way")
LOAD = gettext_noop("Restore into a new database")
CHECK = gettext_noop("Compare rows and run the service's checks")
MAINTENANCE = gettext_noop("Show the maintenance page")
STOP = gettext_noop("Let running work finish and stop")
PLACE = gettext_noop("Give the restored database its name")
PUT = gettext_noop("Put the restored database in place, keep the replaced one")
RESTART = gettext_noop("Start again")
VERIFY = gettext_noop("Check from outside that it works")
OPEN = gettext_noop("Let requests through again")
MAINTENANCE_WORDS = gettext_noop("We are putting things back in order. It will not take long.")

LOAD_TIMEOUT_S = 12 * 3600.0
GUESS_S = {
    "preflight": 1.0,
    "load": 10.0,
    "check": 2.0,
    "maintenance": 0.5,
    "stop": 2.0,
    "place": 0.5,
    "restart": 6.0,
    "verify": 1.0,
    "open": 0.5,
}


def compile_restore(service: ServiceView, *, mode: RestoreMode, database: str, params: dict[str, Any]) -> PlanSpec:
    """Return the frozen plan. `params` goes to every step of this room (which backup, to where, under what name).

    In a swap the service stops under the maintenance page where it declares how it runs; where it does not, the swap
    ends its sessions and it reconnects. Everything slow is done before, while it still runs.
    """
    swap = mode is RestoreMode.SWAP
    steps: list[StepSpec | None] = [
        StepSpec("preflight", "recovery.restore_preflight", params, PREFLIGHT, timeout_s=300),
        StepSpec("load", "recovery.restore_load", params, LOAD, timeout_s=LOAD_TIMEOUT_S),
        StepSpec("check", "recovery.restore_check", params, CHECK, timeout_s=3600),
    ]
    place = StepSpec("place", "recovery.restore_place", params, PUT if swap else PLACE, timeout_s=300)
    if not swap:
        steps.append(place)
    else:
        steps += [
            gateway_step(service, "maintenance", "gateway.maintenance", MAINTENANCE),
            process_step(service, "stop", "process.stop", STOP),
            place,
            process_step(service, "restart", "process.restart", RESTART),
            verify_step(service),
            gateway_step(service, "open", "gateway.open", OPEN),
        ]
    title = Phrase(SWAP if swap else BESIDE, {"service": service.name, "database": database})
    subject = f"service:{service.slug}"
    measured = _measured(subject)
    timed = tuple(
        StepSpec(s.key, s.kind, s.params, s.title, s.timeout_s, measured.get(s.key, GUESS_S.get(s.key)))
        for s in steps
        if s is not None
    )
    return PlanSpec(KIND, subject, title, timed, {"team": service.team_slug, "restore_id": params["restore_id"]})


def _measured(subject: str) -> dict[str, float]:
    """Seconds that each step took in the last restore of the service that succeeded."""
    found: dict[str, float] = {}
    for run in durable.list_runs(subject=subject, kind=KIND, states=[RunState.SUCCEEDED], limit=1):
        for done in run.steps:
            if done.started_at and done.finished_at:
                found[done.key] = round((done.finished_at - done.started_at).total_seconds(), 2)
    return found


def process_step(service: ServiceView, key: str, kind: str, title: str) -> StepSpec | None:
    """Stopping and starting, where Bonança is who runs it."""
    run = service.run
    if run is None or not run.command or service.root is None:
        return None
    spec = ProcessSpec(
        service=service.slug,
        root=service.root,
        command=run.command,
        replicas=tuple(Replica(replica.port, replica.host) for replica in run.replicas),
        config=service.config.file if service.config else None,
        python=run.python,
        env=dict(run.env),
        health=Health(run.health.path, run.health.timeout_s) if run.health else None,
    )
    patience = (spec.health.timeout_s if spec.health else 5.0) + spec.stop_timeout_s
    timeout = 60.0 if key == "stop" else 30 + patience * len(spec.replicas)
    return StepSpec(key, kind, spec.to_json(), title, timeout_s=timeout)


def verify_step(service: ServiceView) -> StepSpec | None:
    if not service.verify or service.run is None:
        return None
    params: dict[str, Any] = {
        "service": service.slug,
        "checks": [asdict(check) for check in service.verify],
        "replicas": [replica.url for replica in service.run.replicas],
    }
    return StepSpec("verify", "response.verify", params, VERIFY, timeout_s=60)


def gateway_step(service: ServiceView, key: str, kind: str, title: str) -> StepSpec | None:
    if service.gateway is None:
        return None
    params: dict[str, Any] = {"gateway": service.gateway.name, "service": service.slug}
    if kind == "gateway.maintenance":
        params |= {"message": MAINTENANCE_WORDS, "retry_after_s": 15, "max_s": 1800}
    else:
        params |= {"step": "maintenance"}
    return StepSpec(key, kind, params, title, timeout_s=30)
