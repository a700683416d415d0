"""Compile a change into a deployment plan: pin, code, migration, configuration, restart, verification."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.git import show_file
from bonanca.catalog.spec import RollbackSpec, ServiceView
from bonanca.delivery.queries import ChangeView
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.kernel.errors import Invalid
from bonanca.recovery.queries import pin_prices
from bonanca.recovery.state import PinKind
from bonanca.response.compilers.around import GUESS_S
from bonanca.running import parts
from bonanca.running.times import with_expected_times

UNHURRIED_S = 12 * 3600
PIN = gettext_noop("Pin the state to come back to")
CODE = gettext_noop("Put the new code in place")
READY = gettext_noop("Remember to start again from what was there, should this be taken back")
MIGRATE = gettext_noop("Migrate the database")
CONFIG = gettext_noop("Write the new configuration")
RESTART = gettext_noop("Restart, one replica after the other")
VERIFY = gettext_noop("Check from outside that it works")


def compile_deployment(service: ServiceView, change: ChangeView, *, plan_id: str) -> PlanSpec:
    """Return the frozen plan that brings the change to the service.

    A first deployment has nothing to pin. The configuration is read from the commit now, so that the
    plan carries what was looked at when it was started.

    Raises:
        Invalid: the service does not declare what a deployment needs.
        Invalid, UnknownFile: the commit has no configuration file (of text) at the declared place.
    """
    steps: list[StepSpec] = []
    if change.from_sha:
        steps.append(_pin(service, change))
        if (ready := parts.ready_to_return(service, READY)) is not None:
            steps.append(ready)
    steps.append(parts.release(service, change.to_sha, CODE))
    if (config := configuration(service, change.to_sha)) is not None:
        steps.append(config)
    if (migration := parts.migrate(service, change.to_sha, MIGRATE)) is not None:
        steps.append(migration)
    # A new version that does not become healthy is told at once; going back waits for a database that is away.
    steps.append(parts.restart(service, RESTART, retry_for_s=0))
    if (check := parts.verify(service, VERIFY)) is not None:
        steps.append(check)
    context = {"team": service.team_slug, "plan_id": plan_id, "change_id": str(change.id)}
    spec = PlanSpec("deployment", f"service:{service.slug}", change.title, tuple(steps), context)
    return with_expected_times(spec, GUESS_S)


def _pin(service: ServiceView, change: ChangeView) -> StepSpec:
    declared = service.rollback or RollbackSpec()
    params: dict[str, Any] = {"service": service.slug, "change_id": str(change.id), "kind": declared.pin}
    if service.rollback is not None:
        params["kept_h"] = declared.kept_for_h
    paid = pin_prices(service.slug).get(PinKind(declared.pin))
    # A copy while writes wait must not wait for long; one that nobody waits for may take as long as the data are large.
    timeout_s = 600 if declared.pin == PinKind.COPY else UNHURRIED_S
    return StepSpec("pin", "recovery.pin", params, PIN, timeout_s, paid.took_s if paid else None)


def configuration(service: ServiceView, sha: str) -> StepSpec | None:
    """Return the step that writes the commit's configuration file, if the service declares one."""
    if service.config is None or service.config.source is None or service.repository is None:
        return None
    try:
        content = show_file(service.repository.path, sha, service.config.source).decode()
    except UnicodeDecodeError:
        raise Invalid(
            _("%(path)s of %(sha)s is not text in UTF-8.") % {"path": service.config.source, "sha": sha[:12]},
            field="service",
        ) from None
    return parts.configure(service, content, CONFIG)
