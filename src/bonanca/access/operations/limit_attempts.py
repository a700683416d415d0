"""Count attempts before they are looked at, so that many at once get no more tries than one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from bonanca.access.models import LoginAttempt

WINDOW = timedelta(minutes=15)


class Limited(Exception):
    """One of the keys has been tried too often; `retry_after_s` says for how long nothing is looked at."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


@transaction.atomic
def reserve_attempt(limits: Mapping[str, int], *, now: datetime) -> list[int]:
    """Count one attempt under each key, and return what `forget_attempt` takes when it was a good one.

    Raises:
        Limited: a key has as many attempts as its limit within WINDOW.
    """
    for key, limit in limits.items():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [f"login:{key}"])
        since = now - WINDOW
        latest = list(
            LoginAttempt.objects.filter(key=key, at__gt=since).order_by("-at").values_list("at", flat=True)[:limit]
        )
        if len(latest) >= limit:
            raise Limited(max(1, round((latest[-1] + WINDOW - now).total_seconds())))
    return [LoginAttempt.objects.create(key=key, at=now).pk for key in limits]


def forget_attempt(reserved: Sequence[int]) -> None:
    """Take a good attempt back: what was right is not held against anybody."""
    LoginAttempt.objects.filter(pk__in=reserved).delete()
