"""A person's own preferences."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.checks import THEMES, checked_choice, checked_locale, checked_time_zone
from bonanca.access.models import User
from bonanca.access.queries import PersonView, person_view
from bonanca.kernel.audit import record
from bonanca.kernel.errors import NotAllowed


@transaction.atomic
def update_profile(
    *,
    actor: Actor,
    now: datetime,
    locale: str | None = None,
    time_zone: str | None = None,
    theme: str | None = None,
) -> PersonView:
    """Change language, time zone and theme of the acting person; None leaves a preference as it is.

    Raises:
        NotAllowed: the actor is no person.
        Invalid: a value is not among the choices.
    """
    user = User.objects.select_for_update().filter(id=actor.user_id).first() if actor.user_id else None
    if user is None:
        raise NotAllowed(_("Only a person has preferences."))
    wanted = {
        "locale": checked_locale(locale) if locale is not None else user.locale,
        "time_zone": checked_time_zone(time_zone) if time_zone is not None else user.time_zone,
        "theme": checked_choice(theme, THEMES, "theme") if theme is not None else user.theme,
    }
    changed = {field: value for field, value in wanted.items() if getattr(user, field) != value}
    if changed:
        for field, value in changed.items():
            setattr(user, field, value)
        user.save(update_fields=list(changed))
        record(aggregate=f"user:{user.id}", action="user.preferences_set", actor=actor.label, facts=changed, now=now)
    return person_view(user)
