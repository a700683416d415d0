"""What an account's fields may be; operations of this room refuse the rest before the database is asked."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from bonanca.access.state import Role, Scope
from bonanca.kernel.errors import Invalid

THEMES = ("auto", "light", "dark")


def checked_email(email: str) -> str:
    """Return the address in small letters."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid(_("%(email)s is not an e-mail address.") % {"email": repr(email[:100])}, field="email") from None
    return address


def checked_name(name: str) -> str:
    """Return the name without surrounding spaces."""
    text = name.strip()
    if not 1 <= len(text) <= 200 or not text.isprintable():
        raise Invalid(_("A name has 1 to 200 characters."), field="name")
    return text


def checked_choice(value: str, choices: tuple[str, ...], field: str) -> str:
    """Return the value if it is one of the choices."""
    if value not in choices:
        raise Invalid(
            _("%(field)s must be one of %(choices)s (got %(got)s).")
            % {"field": field, "choices": ", ".join(choices), "got": repr(value[:60])},
            field=field,
        )
    return value


def checked_role(role: str) -> str:
    """Return the role if there is one of that name."""
    return checked_choice(role, tuple(Role.values), "role")


def checked_scope(scope: str) -> str:
    """Return the scope if there is one of that name."""
    return checked_choice(scope, tuple(Scope.values), "scope")


def checked_locale(locale: str) -> str:
    """Return the language code if we speak it."""
    return checked_choice(locale, tuple(code for code, _name in settings.LANGUAGES), "locale")


def checked_time_zone(name: str) -> str:
    """Return the IANA name if this machine knows it."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        # KeyError: unknown; the others: a text that is no path inside the zone database.
        raise Invalid(
            _("%(got)s is not a time zone.") % {"got": repr(name[:60])},
            field="time_zone",
            hint=_("Use a name of the time zone database, such as America/Sao_Paulo."),
        ) from None
