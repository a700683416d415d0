"""Give an account a password."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.access.queries import PersonView, find_user, person_view
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Invalid


@transaction.atomic
def set_password(*, email: str, password: str, actor: Actor, now: datetime) -> PersonView:
    """Set the password; every session of the account ends with it.

    Raises:
        NotAllowed: it is neither the actor's own account nor does the actor administer.
        NotFound: there is no such account.
        Invalid: the password is too short or too common.
    """
    user = find_user(email)
    if actor.user_id != user.id:
        require(actor, Permission.ADMINISTER)
    try:
        validate_password(password, user)
    except ValidationError as refused:
        raise Invalid(" ".join(refused.messages), field="password") from None
    user.set_password(password)
    user.save(update_fields=["password"])
    record(aggregate=f"user:{user.id}", action="user.password_set", actor=actor.label, facts={}, now=now)
    return person_view(user)
