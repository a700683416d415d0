"""Create an account."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.checks import checked_email
from bonanca.access.models import User
from bonanca.access.operations.ensure_user import ensure_user
from bonanca.access.operations.set_password import set_password
from bonanca.access.queries import PersonView
from bonanca.kernel.errors import Conflict


@transaction.atomic
def create_user(
    *,
    email: str,
    name: str,
    role: str,
    actor: Actor,
    now: datetime,
    password: str | None = None,
    locale: str = "pt-br",
    time_zone: str = "America/Sao_Paulo",
) -> PersonView:
    """Create an account; without a password it can be entered by a login link.

    Raises:
        NotAllowed: the actor does not administer.
        Conflict: the address has an account already.
        Invalid: a field cannot be, or the password is too weak.
    """
    address = checked_email(email)
    if User.objects.filter(email=address).exists():
        raise Conflict(_("There is already an account %(email)s.") % {"email": address}, field="email")
    view = ensure_user(email=address, name=name, role=role, actor=actor, now=now, locale=locale, time_zone=time_zone)
    if password is None:
        return view
    return set_password(email=address, password=password, actor=actor, now=now)
