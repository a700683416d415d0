"""Can this rollback be carried out at all? Asked for the preview, and again as the plan's first step."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_noop

from bonanca.actuators.git import resolve
from bonanca.actuators.postgres.databases import database_exists
from bonanca.actuators.postgres.sessions import system_identifier
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.queries import get_pin
from bonanca.recovery.views import PinView
from bonanca.response.queries import CheckResult

CODE_THERE = gettext_noop("The earlier code is in the repository: %(sha)s")
DATA_THERE = gettext_noop("The pinned database is there: %(name)s")
DATA_GONE = gettext_noop("The pinned database %(name)s is gone")
JOURNAL_ELSEWHERE = gettext_noop("The journal of this plan is on another server than the data")
JOURNAL_HERE = gettext_noop(
    "The service's database is on the server that holds this plan's own journal: restoring it could lose the plan"
)
NOT_ANSWERED = gettext_noop("%(what)s could not be checked: %(why)s")


def rollback_checks(service: ServiceView, pin_id: UUID) -> tuple[CheckResult, ...]:
    """Return every precondition with its answer; a question that fails is an answer too."""
    pin = get_pin(pin_id)
    checks = [_asked("code", lambda: _code(service, pin))]
    if service.database is not None and pin.copy_name:
        checks.append(_asked("data", lambda: _data(service, pin)))
        checks.append(_asked("journal", lambda: _journal(service)))
    return tuple(checks)


def _asked(what: str, question: Callable[[], CheckResult]) -> CheckResult:
    try:
        return question()
    except BonancaError as failure:
        return CheckResult(False, NOT_ANSWERED, {"what": what, "why": str(failure)})


def _code(service: ServiceView, pin: PinView) -> CheckResult:
    assert service.repository is not None  # the compiler has refused a service without one
    sha = resolve(service.repository.path, pin.release_sha)
    return CheckResult(True, CODE_THERE, {"sha": sha[:12]})


def _data(service: ServiceView, pin: PinView) -> CheckResult:
    assert service.database is not None
    there = database_exists(service.database.dsn(), pin.copy_name)
    return CheckResult(there, DATA_THERE if there else DATA_GONE, {"name": pin.copy_name})


def _journal(service: ServiceView) -> CheckResult:
    assert service.database is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        ours = str(cursor.fetchone()[0])
    elsewhere = str(system_identifier(service.database.dsn())) != ours
    return CheckResult(elsewhere, JOURNAL_ELSEWHERE if elsewhere else JOURNAL_HERE)
