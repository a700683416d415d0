"""Read accounts and tokens as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.access.models import ApiToken, User
from bonanca.kernel.errors import NotFound


@dataclass(frozen=True)
class PersonView:
    """An account. `teams` are slugs of the catalog, sorted; `invited` means that no password was set yet."""

    id: UUID
    email: str
    name: str
    role: str
    locale: str
    time_zone: str
    theme: str
    is_active: bool
    invited: bool
    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class TokenView:
    """An API token without its secret; `state` is active, expired or revoked."""

    id: UUID
    name: str
    prefix: str
    role: str
    scope: str
    user_email: str | None
    state: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def person_view(user: User) -> PersonView:
    """The account as a value; one query for the teams unless they were prefetched."""
    memberships = user.memberships.all()
    return PersonView(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        locale=user.locale,
        time_zone=user.time_zone,
        theme=user.theme,
        is_active=user.is_active,
        invited=not user.has_usable_password(),
        teams=tuple(sorted(membership.team for membership in memberships)),
    )


def people(*, team: str | None = None) -> tuple[PersonView, ...]:
    """Every account, or those of a team, by name."""
    users = User.objects.prefetch_related("memberships").order_by("name", "email")
    if team is not None:
        users = users.filter(memberships__team=team)
    return tuple(person_view(user) for user in users)


def get_person(email: str) -> PersonView:
    """The account of an e-mail address.

    Raises:
        NotFound: there is none.
    """
    return person_view(find_user(email))


def find_user(email: str) -> User:
    """The account's row, for the operations of this room.

    Raises:
        NotFound: there is none.
    """
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise NotFound(
            _("There is no account %(email)s.") % {"email": email},
            field="email",
            hint=_("`bonanca user list` shows all of them."),
        )
    return user


def tokens(now: datetime) -> tuple[TokenView, ...]:
    """Every token, newest first."""
    return tuple(token_view(token, now) for token in ApiToken.objects.select_related("user").order_by("-created_at"))


def token_view(token: ApiToken, now: datetime) -> TokenView:
    """The token as a value."""
    state = "active"
    if token.revoked_at is not None:
        state = "revoked"
    elif token.expires_at is not None and token.expires_at <= now:
        state = "expired"
    return TokenView(
        id=token.id,
        name=token.name,
        prefix=token.prefix,
        role=token.user.role if token.user else token.role,
        scope=token.scope,
        user_email=token.user.email if token.user else None,
        state=state,
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        last_used_at=token.last_used_at,
    )
