"""The gateway agent's door: what should I do, and what I do."""

from __future__ import annotations

import time

import msgspec
from django.db import connection
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.gateway import queries
from bonanca.actuators.gateway.operations.report_applied import InvalidReport, report_applied
from bonanca.actuators.gateway.wire import Applied, encode
from bonanca.kernel.clock import utc_now
from bonanca.kernel.typed import decode

router = Router(tags=["gateway"])

WAIT_MAX_S = 20.0
LOOK_EVERY_S = 0.1


def _agent(request: HttpRequest) -> Actor:
    """Admit tokens (authentication takes only those of scope `gateway` here) and people who command."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is not None and actor.kind == "token":
        return actor
    return require(actor, Permission.COMMAND)


@router.get("/gateway/desired", response={200: dict, 204: None}, summary="What a gateway should do")
def desired(request: HttpRequest, gateway: str = "default", since: int = -1, wait: float = Query(0.0)) -> HttpResponse:  # type: ignore[type-arg]
    """Answer with the desired state once its version differs from `since`; 204 when it did not within `wait` seconds.

    At most 20 s are waited. Meanwhile one small question is asked every 100 ms, and no connection is kept for it.
    """
    _agent(request)
    until = time.monotonic() + min(max(wait, 0.0), WAIT_MAX_S)
    while (version := queries.current_version(gateway)) == since and time.monotonic() < until:
        _release()
        time.sleep(LOOK_EVERY_S)
    if version == since:
        return HttpResponse(status=204)
    return HttpResponse(encode(queries.desired_state(gateway, now=utc_now())), content_type="application/json")


@router.post("/gateway/applied", response={204: None}, summary="What a gateway does")
def applied(request: HttpRequest) -> HttpResponse:
    """Take an agent's report: version, since when, addresses of its entry and its counters."""
    _agent(request)
    try:
        report = decode(request.body, Applied)
    except msgspec.DecodeError as malformed:
        raise InvalidReport(str(malformed)) from malformed
    report_applied(report, now=utc_now())
    return HttpResponse(status=204)


def _release() -> None:
    # Where connections are pooled, closing gives it back; where not, opening one for each look would cost more.
    if connection.settings_dict.get("OPTIONS", {}).get("pool") and not connection.in_atomic_block:
        connection.close()
