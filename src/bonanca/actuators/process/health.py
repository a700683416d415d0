"""Ask a replica how it is, on the address where it listens."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from django.utils.translation import gettext as _

from bonanca.actuators.asking import NoAnswer, ask_address
from bonanca.actuators.process.spec import Health, Replica

_EVERY_S = 0.05
_ANSWER_S = 2.0


def answer(replica: Replica, path: str, *, timeout_s: float = _ANSWER_S) -> str:
    """ "" when the replica answers 2xx to GET `path`, else what was wrong in a few words."""
    host = f"[{replica.host}]" if ":" in replica.host else replica.host
    asked, headers = f"http://{host}:{replica.port}{path}", {"User-Agent": "bonanca-health"}
    try:
        found = ask_address("GET", asked, timeout_s=timeout_s, most_bytes=1, headers=headers)
    except NoAnswer as none:
        return _("no answer (%(reason)s)") % {"reason": none}
    return "" if found.ok else _("it answers %(status)d") % {"status": found.status}


def wait_healthy(replica: Replica, health: Health, *, living: Callable[[], bool], pulse: Callable[[], None]) -> str:
    """ "" as soon as the replica is healthy; else, when its time is over or it has died, what was wrong.

    `living` says whether the process is still there, `pulse` is called at every try and may raise to stop the wait.
    """
    deadline = time.monotonic() + health.timeout_s
    wrong = ""
    while living():
        pulse()
        wrong = answer(replica, health.path)
        if not wrong:
            # A stranger on the same port would also answer; ours must be alive to have done so.
            return "" if living() else _("it has ended")
        if time.monotonic() >= deadline:
            return _("not healthy after %(seconds)g s: %(wrong)s") % {
                "seconds": health.timeout_s,
                "wrong": wrong,
            }
        time.sleep(_EVERY_S)
    return _("it has ended")


def port_in_use(replica: Replica) -> bool:
    """Whether something accepts connections where the replica would listen."""
    try:
        with socket.create_connection((replica.host, replica.port), timeout=1.0):
            return True
    except OSError:
        return False
