"""Look at everything that is watched closer, and say what that means."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.looking import look_at
from bonanca.aftercare.operations.finish_watch import finish_watch
from bonanca.aftercare.operations.record_look import record_look
from bonanca.aftercare.queries import watches_to_look_at
from bonanca.aftercare.state import WatchState
from bonanca.kernel.database import retrying
from bonanca.kernel.errors import BonancaError, NotFound, Unavailable
from bonanca.ui.phrases import Phrase

GONE = gettext_noop("the service is not declared any more")


def look_at_watches(*, now: datetime) -> int:
    """Return how many were looked at; one that cannot be looked at holds up no other.

    Raises:
        Unavailable: of those that could not, after all were tried.
    """
    wanted = watches_to_look_at()
    failed = []
    for watch in wanted:
        try:
            # The network is asked outside of any transaction.
            look = look_at(watch, now)
        except NotFound:
            finish_watch(watch.id, WatchState.ENDED, words=Phrase(GONE), actor=SYSTEM("aftercare"), now=now)
            continue
        except (BonancaError, OSError) as problem:
            failed.append(f"{watch.service}: {problem}")
            continue
        retrying(record_look)(watch.id, look)
    if failed:
        raise Unavailable("; ".join(failed))
    return len(wanted)
