"""Compile a rollback: code, data and configuration back to a pin, with nothing thrown away (requirements T5 to T9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import RollbackSpec, ServiceView
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.recovery.views import PinView
from bonanca.response.compilers import around
from bonanca.response.compilers.strategies import Strategy, strategy_of
from bonanca.running import parts, privacy
from bonanca.running.times import with_expected_times
from bonanca.ui.phrases import Words

CRITERIA = gettext_noop("Weigh the criteria once more")
ANNOUNCE = gettext_noop("Tell the people concerned that it begins")
PREFLIGHT = gettext_noop("Check that everything needed is there")
PAUSE = gettext_noop("Hold background work")
MAINTENANCE = gettext_noop("Show the maintenance page")
STOP = gettext_noop("Let running work finish and stop")
CODE = gettext_noop("Put the earlier code back")
CONFIG = gettext_noop("Put the earlier configuration back")
RESTART = gettext_noop("Start again")
VERIFY = gettext_noop("Check from outside that it works")
OPEN = gettext_noop("Let requests through again")
RESUME = gettext_noop("Let background work go on")
LIFT = gettext_noop("Take back the containments of the incident")
WATCH = gettext_noop("Watch closely for a while")
ANNOUNCE_END = gettext_noop("Tell the people concerned that it works again")


@dataclass(frozen=True)
class Occasion:
    """Why and for what a service goes back: ids as text, paths that were hit."""

    title: Words
    plan_id: str
    incident_id: str | None = None
    change_id: str | None = None
    affected: tuple[str, ...] = ()
    strategy: str = "instant"
    automatic: bool = False


def compile_rollback(service: ServiceView, pin: PinView, occasion: Occasion) -> PlanSpec:
    """Return the frozen plan that brings the service back to the pin.

    The order matters: people know before anything happens, background work is held and requests are answered politely
    before anything stops, data is swapped while nothing writes, rows are applied again before anybody can order under
    the same number, and only what was verified is opened. Undone last first, the same order brings everything forth.

    Raises:
        Invalid: the service does not declare what a rollback needs, or there is no such strategy.
    """
    declared, strategy = service.rollback or RollbackSpec(), strategy_of(occasion.strategy)
    steps = [
        _criteria(service, pin, strategy, occasion),
        *_before(service, pin, declared, strategy),
        *_meanwhile(service, pin, declared, strategy, occasion),
        *_afterwards(service, declared, occasion),
    ]
    context: dict[str, Any] = {
        "team": service.team_slug,
        "plan_id": occasion.plan_id,
        "incident_id": occasion.incident_id,
        "change_id": occasion.change_id,
        "pin_id": str(pin.id),
        "strategy": strategy.name,
    }
    found = tuple(step for step in steps if step is not None)
    spec = PlanSpec("rollback", f"service:{service.slug}", occasion.title, found, context)
    return with_expected_times(spec, around.GUESS_S)


def _criteria(service: ServiceView, pin: PinView, strategy: Strategy, occasion: Occasion) -> StepSpec | None:
    if occasion.change_id is None:
        return None
    params = {
        "service": service.slug,
        "pin_id": str(pin.id),
        "strategy": strategy.name,
        "change_id": occasion.change_id,
        "incident_id": occasion.incident_id,
        "automatic": occasion.automatic,
    }
    return StepSpec("criteria", "response.criteria", params, CRITERIA, timeout_s=60)


def _before(service: ServiceView, pin: PinView, declared: RollbackSpec, strategy: Strategy) -> list[StepSpec | None]:
    check = {"service": service.slug, "pin_id": str(pin.id), "strategy": strategy.name}
    return [
        around.announce(service, "begins", ANNOUNCE, key="announce"),
        StepSpec("preflight", "response.preflight", check, PREFLIGHT, timeout_s=60),
        *(strategy.before(service, pin) if service.database else ()),
        privacy.review_step(service) if strategy.replaces_data else None,
        around.work(service, "pause", declared.pause, declared.resume, PAUSE),
        parts.close(service, MAINTENANCE),
        parts.stop(service, STOP, drain_s=declared.drain_s),
    ]


def _meanwhile(
    service: ServiceView, pin: PinView, declared: RollbackSpec, strategy: Strategy, occasion: Occasion
) -> list[StepSpec | None]:
    back = {"service": service.slug, "pin_id": str(pin.id)}
    configuration = StepSpec("configuration", "recovery.restore_config", back, CONFIG, timeout_s=30)
    return [
        parts.release(service, pin.release_sha, CODE, back=True),
        privacy.reapply_step(service) if strategy.replaces_data else None,
        *(strategy.during(service, pin) if service.database else ()),
        configuration if service.config is not None else None,
        parts.restart(service, RESTART),
        parts.verify(service, VERIFY, more=declared.verify, affected=occasion.affected),
        *(strategy.after(service, pin) if service.database else ()),
        # Last before anybody comes in: rows that were applied again could have brought somebody back too.
        privacy.check_step(service) if strategy.replaces_data else None,
    ]


def _afterwards(service: ServiceView, declared: RollbackSpec, occasion: Occasion) -> list[StepSpec | None]:
    lift = {"incident_id": occasion.incident_id}
    watch = {
        "service": service.slug,
        "seconds": declared.watch.seconds,
        "tolerated": declared.watch.tolerated_percent / 100,
    }
    return [
        # Under the maintenance page, so that opening waits for the gateway to have taken both back.
        StepSpec("lift", "response.lift_containments", lift, LIFT, timeout_s=30) if occasion.incident_id else None,
        parts.reopen(service, OPEN),
        around.work(service, "resume", declared.resume, declared.pause, RESUME),
        StepSpec("watch", "response.watch", watch, WATCH, declared.watch.seconds + 60, declared.watch.seconds + 2)
        if service.slos
        else None,
        around.announce(service, "works", ANNOUNCE_END, key="announce_end"),
    ]
