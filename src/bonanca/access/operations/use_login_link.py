"""Sign in by a link, once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import person
from bonanca.access.models import LoginLink, User
from bonanca.access.operations.forget_expired import forget_expired
from bonanca.access.tokens import digest
from bonanca.kernel.audit import record
from bonanca.kernel.errors import NotFound


@transaction.atomic
def use_login_link(*, secret: str, now: datetime) -> User:
    """Spend the link and return whose it was. Of two who try at once, one succeeds.

    Raises:
        NotFound: it never existed, was used, has expired, or the account is closed: which one is not told.
    """
    spent = LoginLink.objects.filter(
        digest=digest(secret), used_at__isnull=True, expires_at__gt=now, user__is_active=True
    ).update(used_at=now)
    if spent != 1:
        raise NotFound(
            _("This login link is no longer valid."),
            hint=_("A link works once and for a short time. Ask for a new one, or sign in with your password."),
        )
    user = LoginLink.objects.select_related("user").get(digest=digest(secret)).user
    forget_expired(now=now)
    label = person(user).label
    record(aggregate=f"user:{user.id}", action="user.signed_in", actor=label, facts={"by": "login link"}, now=now)
    return user
