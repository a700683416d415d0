"""Make sure that an account exists and is as declared."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.access.checks import checked_email, checked_locale, checked_name, checked_role, checked_time_zone
from bonanca.access.models import User
from bonanca.access.permissions import Permission, require
from bonanca.access.queries import PersonView, person_view
from bonanca.access.state import Role
from bonanca.kernel.audit import record


@transaction.atomic
def ensure_user(
    *,
    email: str,
    name: str,
    role: str,
    actor: Actor,
    now: datetime,
    locale: str = "pt-br",
    time_zone: str = "America/Sao_Paulo",
) -> PersonView:
    """Create the account as invited (it has no password), or bring its name and role up to what is declared.

    Language and zone of an existing account are the person's own choice and stay. An administrator is never lowered:
    a file that forgets a role must not lock the last one out. Repeating it changes nothing.

    Raises:
        NotAllowed: the actor does not administer.
        Invalid: the address, name, role, language or zone cannot be.
    """
    require(actor, Permission.ADMINISTER)
    address, name, role = checked_email(email), checked_name(name), checked_role(role)
    user = User.objects.select_for_update().filter(email=address).first()
    if user is None:
        user = User.objects.create_user(
            address, name=name, role=role, locale=checked_locale(locale), time_zone=checked_time_zone(time_zone)
        )
        facts = {"name": name, "role": role}
        record(aggregate=f"user:{user.id}", action="user.invited", actor=actor.label, facts=facts, now=now)
        return person_view(user)
    changed = {}
    if user.name != name:
        changed["name"] = [user.name, name]
        user.name = name
    if user.role not in (role, Role.ADMIN):
        changed["role"] = [user.role, role]
        user.role = role
    if changed:
        user.save(update_fields=list(changed))
        record(aggregate=f"user:{user.id}", action="user.changed", actor=actor.label, facts=changed, now=now)
    return person_view(user)
