"""API tokens: made once, kept as hashes, presented as bearer (or as a basic password)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware

from bonanca.access.actors import Actor, person
from bonanca.access.models import ApiToken
from bonanca.access.state import Role, Scope
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import NotAllowed

PREFIX = "bnc_"
USE_NOTED_EVERY = timedelta(minutes=1)


def digest(secret: str) -> str:
    """Return what is stored of a secret of 256 random bits: such need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def secret_of(header: str | None) -> str | None:
    """Return the token inside an Authorization header, bearer or basic (password)."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def actor_from_authorization(header: str | None, *, scope: str = Scope.API) -> Actor | None:
    """Return the actor of a live token of that scope, or None.

    The look-up is by hash, so its timing tells nothing about a secret.
    """
    secret = secret_of(header)
    if secret is None:
        return None
    now = utc_now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now), digest=digest(secret), revoked_at__isnull=True)
        .first()
    )
    if token is None or token.scope != scope:
        return None
    _note_use(token, now)
    if token.user is not None:
        return person(token.user) if token.user.is_active else None
    return Actor(kind="token", identity=token.name, name=token.name, role=Role(token.role))


def _note_use(token: ApiToken, now: datetime) -> None:
    # Once a minute is enough to see that a token is in use; a write for each scrape would be waste.
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


class _SessionCsrf(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def api_auth(request: HttpRequest) -> Actor | None:
    """Authenticate an API call by token, else by the page's session (then with CSRF protection)."""
    header = request.headers.get("Authorization")
    scope = Scope.GATEWAY if "/api/v1/gateway/" in request.path else Scope.API
    actor = actor_from_authorization(header, scope=scope)
    if actor is None and header is None and request.user.is_authenticated:
        refused = _SessionCsrf(lambda _: None).process_view(request, None, (), {})  # type: ignore[arg-type]
        if refused:
            raise NotAllowed(f"The request was refused: {refused}")
        actor = person(request.user)
    request.actor = actor  # type: ignore[attr-defined]
    return actor


def caller(request: HttpRequest) -> Actor:
    """Return the actor that `api_auth` has let in.

    Raises:
        NotAllowed: nobody was let in (a route without authentication).
    """
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        raise NotAllowed("This needs a token or a signed-in person.")
    return actor
