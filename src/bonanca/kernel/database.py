"""One place for retries around a lost database: a killed PostgreSQL comes back in a second or two."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import stamina
import structlog
from django.db import InterfaceError, InternalError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

AWAY = (OperationalError, InterfaceError)
# InternalError is what a session hears that PostgreSQL has ended because its transaction was silent for too long
# (kernel/keepalive), and one whose server has become a standby; both do well on another connection.
LOST = (*AWAY, InternalError)

log = structlog.get_logger(__name__)


def _say(details: stamina.instrumentation.RetryDetails) -> None:
    """Log a retry by name only: the arguments of a call may hold what must not be in a log."""
    log.warning("trying again", call=details.name, retry=details.retry_num, wait_s=round(details.wait_for, 2))


stamina.instrumentation.set_on_retry_hooks([_say])


def retrying(function: Callable[P, T]) -> Callable[P, T]:
    """Run a whole transaction again when the database was lost under it, for up to 60 s.

    Only for functions whose transaction is idempotent or was certainly not committed when the
    connection broke: workers' loops and periodic jobs, never a request that a person can repeat.
    """

    @wraps(function)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except LOST:
            # A broken connection must not be handed to the next attempt.
            connection.close()
            raise

    return stamina.retry(on=LOST, attempts=None, timeout=60.0, wait_initial=0.05, wait_max=1.0)(attempt)
