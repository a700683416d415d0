"""What becomes of the data in a rollback: each strategy gives its steps, and says what it needs and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import StepSpec
from bonanca.kernel.errors import Invalid
from bonanca.recovery.queries import rows_at_risk
from bonanca.recovery.views import PinView, TableAtRisk
from bonanca.response.compilers import from_backups
from bonanca.response.strategy_checks import instant_checks, keep_data_checks, return_checks
from bonanca.response.views import CheckResult

COPY = gettext_noop("Copy the pinned database beside the running one")
DATA = gettext_noop("Put the pinned database in place, keep the replaced one")
SET_ASIDE = gettext_noop("List the rows written since")
REAPPLY = gettext_noop("Apply the rows written since again")

SPARE_S = 0.2

Steps = Callable[[ServiceView, PinView], list[StepSpec]]


@dataclass(frozen=True)
class Strategy:
    """A way of treating the data.

    `before` are steps while the service still runs, `during` while nothing writes, `after` once the earlier code runs
    again and before visitors come in. `goes_to` is the moment of the data, None where they stay; `at_risk` counts the
    rows written since, which are set aside.
    """

    name: str
    label: Promise
    explanation: Promise
    goes_to: Callable[[ServiceView, PinView], datetime] | None
    at_risk: Callable[[ServiceView, PinView, datetime], tuple[TableAtRisk, ...]]
    before: Steps
    during: Steps
    after: Steps
    checks: Callable[[ServiceView, PinView], tuple[CheckResult, ...]]

    @property
    def replaces_data(self) -> bool:
        return self.goes_to is not None


def _pinned_at(service: ServiceView, pin: PinView) -> datetime:
    return pin.taken_at


def _since_pin(service: ServiceView, pin: PinView, now: datetime) -> tuple[TableAtRisk, ...]:
    return rows_at_risk(service.slug, pin.id, now)


def _none_at_risk(service: ServiceView, pin: PinView, now: datetime) -> tuple[TableAtRisk, ...]:
    return ()


def _nothing(service: ServiceView, pin: PinView) -> list[StepSpec]:
    return []


def _back(service: ServiceView, pin: PinView) -> dict[str, str]:
    return {"service": service.slug, "pin_id": str(pin.id)}


def _copy(service: ServiceView, pin: PinView) -> list[StepSpec]:
    # The copy is made while everything still runs, so that the maintenance is as short as a rename.
    # One that lies ready is only renamed.
    expected_s = SPARE_S if pin.spare_at is not None else None
    return [StepSpec("copy", "recovery.prepare_restore", _back(service, pin), COPY, 900, expected_s)]


def _swap(service: ServiceView, pin: PinView) -> list[StepSpec]:
    steps = [StepSpec("data", "recovery.restore_pin", _back(service, pin), DATA, timeout_s=900)]
    if service.database is not None and service.database.rows_at_risk:
        steps.append(StepSpec("set_aside", "recovery.set_aside", _back(service, pin), SET_ASIDE, timeout_s=300))
    return steps


def _reapply(service: ServiceView, pin: PinView) -> list[StepSpec]:
    if service.database is None or not service.database.rows_at_risk or not service.replay:
        return []
    return [StepSpec("reapply", "recovery.reapply_rows", _back(service, pin), REAPPLY, timeout_s=900)]


_KNOWN: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Strategy(
            "instant",
            gettext_lazy("The pinned copy, at once"),
            gettext_lazy(
                "Code, configuration and data as they were before the change. Rows written since are set aside and "
                "applied again where the service can."
            ),
            _pinned_at,
            _since_pin,
            _copy,
            _swap,
            _reapply,
            instant_checks,
        ),
        Strategy(
            "point_in_time",
            gettext_lazy("The moment before the change, from the archived log"),
            gettext_lazy(
                "Code, configuration and data as they were before the change, from the last physical backup and the "
                "log since. It is restored while the service still runs, so it takes longer and interrupts as briefly. "
                "Rows written since are set aside and applied again where the service can."
            ),
            from_backups.goes_to("physical"),
            from_backups.at_risk("physical"),
            from_backups.before("physical"),
            from_backups.during("physical"),
            _reapply,
            return_checks("physical"),
        ),
        Strategy(
            "logical",
            gettext_lazy("The newest dump from before the change"),
            gettext_lazy(
                "Code and configuration as they were before the change, data as in the newest dump before it: what was "
                "written between the dump and the change is at risk too. It is restored while the service still runs."
            ),
            from_backups.goes_to("logical"),
            from_backups.at_risk("logical"),
            from_backups.before("logical"),
            from_backups.during("logical"),
            _reapply,
            return_checks("logical"),
        ),
        Strategy(
            "keep_data",
            gettext_lazy("Keep the data"),
            gettext_lazy(
                "Only code and configuration go back. Nothing written since is set aside, and migrations stay in "
                "effect: the earlier code has to work with the newer schema."
            ),
            None,
            _none_at_risk,
            _nothing,
            _nothing,
            _nothing,
            keep_data_checks,
        ),
    )
}


def choices() -> tuple[Strategy, ...]:
    """Return the strategies that can be carried out here."""
    return tuple(_KNOWN.values())


def strategy_of(name: str) -> Strategy:
    """Return a strategy by name.

    Raises:
        Invalid: there is none of that name.
    """
    found = _KNOWN.get(name)
    if found is None:
        raise Invalid(
            _("There is no strategy %(name)s. Choose one of %(usable)s.") % {"name": name, "usable": ", ".join(_KNOWN)},
            field="strategy",
        )
    return found


def strategy_for(service: ServiceView, wished: str) -> Strategy:
    """Return the strategy that was wished for, else the declared one, else the pinned copy.

    Raises:
        Invalid: see `strategy_of`.
    """
    return strategy_of(wished or (service.rollback.strategy if service.rollback else "instant"))
