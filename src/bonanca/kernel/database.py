"""One place for retries around a lost database: a killed PostgreSQL comes back in a second or two."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import stamina
from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

LOST = (OperationalError, InterfaceError)


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
