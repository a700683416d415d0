"""Can this rollback be carried out at all? Asked for the preview, and again as one of the plan's first steps."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.actuators.git import resolve
from bonanca.catalog.spec import ServiceView
from bonanca.recovery.queries import get_pin
from bonanca.recovery.views import PinView
from bonanca.response.compilers.strategies import strategy_of
from bonanca.response.strategy_checks import asked
from bonanca.response.views import CheckResult
from bonanca.running.containers import image_of
from bonanca.running.homes import release_now, ssh_host

HOST_ANSWERS = gettext_noop("The host answers and lets us in: %(host)s")
IMAGE_THERE = gettext_noop("The earlier image is there: %(image)s")
CODE_THERE = gettext_noop("The earlier code is in the repository: %(sha)s")


def rollback_checks(service: ServiceView, pin_id: UUID, strategy: str = "instant") -> tuple[CheckResult, ...]:
    """Return every precondition with its answer; a question that fails is an answer too."""
    pin = get_pin(pin_id)
    code = [asked("code", lambda: _code(service, pin))]
    if ssh_host(service) is not None:
        code.append(asked("host", lambda: _host(service)))
    if service.run is not None and service.run.docker is not None:
        code.append(asked("image", lambda: _image(service, pin)))
    return (*code, *strategy_of(strategy).checks(service, pin))


def _host(service: ServiceView) -> CheckResult:
    host = ssh_host(service)
    assert host is not None
    release_now(service)
    return CheckResult(True, HOST_ANSWERS, {"host": host.address})


def _image(service: ServiceView, pin: PinView) -> CheckResult:
    return CheckResult(True, IMAGE_THERE, {"image": image_of(service, pin.release_sha, back=True)})


def _code(service: ServiceView, pin: PinView) -> CheckResult:
    assert service.repository is not None  # the compiler has refused a service without one
    sha = resolve(service.repository.path, pin.release_sha)
    return CheckResult(True, CODE_THERE, {"sha": sha[:12]})
