"""Look at everything that is watched closer, and say what that means."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime

import structlog
from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.looking import look_at, to_ask
from bonanca.aftercare.operations.finish_watch import finish_watch
from bonanca.aftercare.operations.record_look import record_look
from bonanca.aftercare.queries import watches_to_look_at
from bonanca.aftercare.state import WatchState
from bonanca.aftercare.views import WatchView
from bonanca.kernel.database import LOST, retrying
from bonanca.kernel.errors import NotFound, Unavailable
from bonanca.response.verification import Verdict
from bonanca.ui.phrases import Phrase

GONE = gettext_noop("the service is not declared any more")
# Services that do not answer keep a thread for some seconds each, and no other service waiting.
ASKED_AT_ONCE = 16

log = structlog.get_logger(__name__)
Asked = list[Future[tuple[Verdict, ...]]]


def look_at_watches(*, now: datetime) -> int:
    """Return how many were looked at; one that cannot be looked at, or is slow to answer, holds up no other.

    Raises:
        Unavailable: of those that could not, after all were tried.
    """
    wanted = watches_to_look_at()
    failed = []
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE, thread_name_prefix="watch") as pool:
        for watch, asked in _in_order(wanted, now, pool):
            try:
                # The network was asked outside of any transaction.
                verdicts = tuple(verdict for one in asked for verdict in one.result()) if asked else None
                retrying(record_look)(watch.id, look_at(watch, now, verdicts))
            except NotFound:
                finish_watch(watch.id, WatchState.ENDED, words=Phrase(GONE), actor=SYSTEM("aftercare"), now=now)
            except LOST:
                raise
            except Exception as problem:
                # Recorded on the job by what is raised at the end.
                log.exception("a watched service could not be looked at", service=watch.service)
                failed.append(f"{watch.service}: {problem}")
    if failed:
        raise Unavailable("; ".join(failed))
    return len(wanted)


def _in_order(
    wanted: tuple[WatchView, ...], now: datetime, pool: ThreadPoolExecutor
) -> Iterator[tuple[WatchView, Asked]]:
    """Every watch, as soon as all its answers are there."""
    waiting = []
    for watch in wanted:
        try:
            questions = to_ask(watch, now)
        except NotFound:
            questions = []
        waiting.append((watch, [pool.submit(question) for question in questions]))
    while waiting:
        ready = [(watch, asked) for watch, asked in waiting if all(one.done() for one in asked)]
        yield from ready
        waiting = [(watch, asked) for watch, asked in waiting if (watch, asked) not in ready]
        wait([one for _watch, asked in waiting for one in asked if not one.done()], return_when=FIRST_COMPLETED)
