"""Alertmanager's API v2 (requirement Y4): Prometheus and amtool can point at us."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from bonanca import __version__
from bonanca.access.actors import Actor
from bonanca.access.tokens import actor_from_authorization
from bonanca.kernel.clock import utc_now
from bonanca.kernel.database import LOST
from bonanca.signals import alertmanager as wire
from bonanca.signals import queries
from bonanca.signals.labels import BadMatcher, parse_matcher
from bonanca.signals.operations.receive_alerts import receive_alerts

SCOPE = "alerts"
MOST_LISTED = 10_000
RETRY_AFTER_S = 2
_started_at = utc_now()

Door = Callable[[HttpRequest, Actor], HttpResponse]


def token_door(view: Door) -> Callable[[HttpRequest], HttpResponse]:
    """Let in API tokens of the scope `alerts` only (bearer, or basic with the token as password); never a session.

    Without the database nobody can be let in and nothing can be kept: 503 with Retry-After, at once, so that the sender
    keeps what it has and tries again.
    """

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        try:
            actor = actor_from_authorization(request.headers.get("Authorization"), scope=SCOPE)
            if actor is None:
                # `access` gives it words and the header.
                return HttpResponse(status=401)
            return view(request, actor)
        except LOST:
            away = _error("the database does not answer: nothing of this request was kept, send it again", 503)
            away.headers["Retry-After"] = str(RETRY_AFTER_S)
            return away

    guarded.access = "token:alerts"  # type: ignore[attr-defined]
    return csrf_exempt(guarded)


@token_door
def alerts(request: HttpRequest, actor: Actor) -> HttpResponse:
    """POST takes alerts (200 once they are committed), GET lists those that fire."""
    if request.method == "POST":
        return _post(request, actor)
    if request.method in ("GET", "HEAD"):
        return _list(request)
    return HttpResponseNotAllowed(["GET", "HEAD", "POST"])


@token_door
def status(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Who answers here, in Alertmanager's words."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return JsonResponse(wire.status(version=__version__, started_at=_started_at, config="# declared in bonanca.yaml\n"))


def _post(request: HttpRequest, actor: Actor) -> HttpResponse:
    try:
        posted = wire.parse_alerts(_body(request))
    except wire.Malformed as refused:
        return _error(str(refused), 413 if isinstance(refused, wire.TooLarge) else 400)
    receive_alerts(posted, actor=actor, now=utc_now())
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes:
    declared = request.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) > wire.MAX_BODY_BYTES:
        raise wire.TooLarge("body", f"{declared} bytes, at most {wire.MAX_BODY_BYTES} are accepted")
    try:
        return request.body
    except RequestDataTooBig:
        raise wire.TooLarge("body", f"at most {wire.MAX_BODY_BYTES} bytes are accepted") from None


def _list(request: HttpRequest) -> HttpResponse:
    try:
        matchers = [parse_matcher(text) for text in request.GET.getlist("filter")]
    except BadMatcher as refused:
        return _error(str(refused), 400)
    if request.GET.get("active", "true").lower() == "false":
        # Nothing is ever suppressed here so far.
        return JsonResponse([], safe=False)
    listed = [
        wire.gettable(
            labels=alert.labels,
            annotations=alert.annotations,
            fingerprint=alert.fingerprint,
            starts_at=alert.starts_at,
            updated_at=alert.seen_at,
            ends_at=alert.expires_at or alert.seen_at + wire.RESOLVE_TIMEOUT,
            generator_url=alert.generator_url,
        )
        for alert in queries.alerts(state="firing", limit=MOST_LISTED)
        if all(matcher.matches(alert.labels) for matcher in matchers)
    ]
    return JsonResponse(listed, safe=False)


def _error(message: str, status_code: int) -> HttpResponse:
    # The definition says that a refusal is a JSON string.
    return JsonResponse(message, safe=False, status=status_code)
