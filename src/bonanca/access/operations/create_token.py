"""Make an API token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.checks import checked_role, checked_scope
from bonanca.access.models import ApiToken
from bonanca.access.permissions import Permission, require
from bonanca.access.queries import TokenView, find_user, token_view
from bonanca.access.state import Role, Scope
from bonanca.access.tokens import PREFIX, digest
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid

SHOWN_CHARACTERS = 10


@dataclass(frozen=True)
class NewToken:
    """The token and its secret, which exists only here: we keep a hash."""

    token: TokenView
    secret: str


@transaction.atomic
def create_token(
    *,
    name: str,
    actor: Actor,
    now: datetime,
    role: str = Role.VIEWER,
    scope: str = Scope.API,
    user_email: str | None = None,
    expires_in_days: float | None = None,
) -> NewToken:
    """Make a token that acts as itself with `role`, or as the person of `user_email` with theirs.

    Raises:
        NotAllowed: the actor does not administer.
        NotFound: there is no such person.
        Conflict: a token of that name is in use.
        Invalid: name, role, scope or expiry cannot be.
    """
    require(actor, Permission.ADMINISTER)
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid(_("A token's name has 1 to 100 characters."), field="name")
    if expires_in_days is not None and not 0 < expires_in_days <= 3660:
        raise Invalid(_("A token lives for more than 0 and at most 3660 days."), field="expires_in_days")
    if ApiToken.objects.filter(name=name, revoked_at__isnull=True).exists():
        raise Conflict(
            _("There is already a token named %(name)s.") % {"name": name},
            field="name",
            hint=_("Revoke it first, or choose another name."),
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        name=name,
        prefix=secret[:SHOWN_CHARACTERS],
        digest=digest(secret),
        role=checked_role(role),
        scope=checked_scope(scope),
        user=find_user(user_email) if user_email else None,
        created_at=now,
        expires_at=now + timedelta(days=expires_in_days) if expires_in_days is not None else None,
    )
    facts = {"name": name, "role": token.role, "scope": token.scope, "as": user_email, "expires_at": token.expires_at}
    record(aggregate=f"token:{token.id}", action="token.created", actor=actor.label, facts=facts, now=now)
    return NewToken(token_view(token, now), secret)
