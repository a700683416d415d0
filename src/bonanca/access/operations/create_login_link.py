"""Make a link that signs a person in once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.models import LoginLink
from bonanca.access.permissions import Permission, require
from bonanca.access.queries import find_user
from bonanca.access.tokens import digest
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid

EXPIRES_IN_S = 900.0
MAX_EXPIRES_IN_S = 86_400.0


@dataclass(frozen=True)
class NewLoginLink:
    """`path` holds the secret: it belongs to the person alone."""

    email: str
    path: str
    expires_at: datetime


@transaction.atomic
def create_login_link(*, email: str, actor: Actor, now: datetime, expires_in_s: float = EXPIRES_IN_S) -> NewLoginLink:
    """Make a single-use link to sign in as the person, valid for `expires_in_s` seconds.

    Raises:
        NotAllowed: the actor does not administer.
        NotFound: there is no such account.
        Conflict: the account is closed.
        Invalid: the time is not within a day.
    """
    require(actor, Permission.ADMINISTER)
    if not 0 < expires_in_s <= MAX_EXPIRES_IN_S:
        raise Invalid(_("A login link lives for at most a day."), field="expires_in_s")
    user = find_user(email)
    if not user.is_active:
        raise Conflict(_("The account %(email)s is closed.") % {"email": user.email}, field="email")
    secret = secrets.token_urlsafe(32)
    expires_at = now + timedelta(seconds=expires_in_s)
    LoginLink.objects.create(digest=digest(secret), user=user, expires_at=expires_at)
    facts = {"expires_at": expires_at}
    record(aggregate=f"user:{user.id}", action="user.login_link_made", actor=actor.label, facts=facts, now=now)
    return NewLoginLink(user.email, f"/login/once/{secret}", expires_at)
