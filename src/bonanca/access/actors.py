"""Who does something: a person, a token, the system, or the operator of this machine."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from bonanca.access.state import Role

if TYPE_CHECKING:
    from bonanca.access.models import User


@dataclass(frozen=True)
class Actor:
    """The caller of an operation. `label` is what the audit chain keeps."""

    kind: str
    identity: str
    name: str
    role: Role
    user_id: UUID | None = None
    teams: frozenset[str] = field(default_factory=frozenset)
    locale: str = "pt-br"
    time_zone: str = "America/Sao_Paulo"

    @property
    def shown_name(self) -> str:
        """The name that people read: our own workers are Bonança, whatever part of it acts."""
        return "Bonança" if self.kind == "system" else self.name

    @property
    def label(self) -> str:
        return f"{self.kind}:{self.identity}"


def SYSTEM(name: str) -> Actor:  # noqa: N802 - reads as the constant it nearly is
    """Return the actor of our own workers, which may do everything."""
    return Actor(kind="system", identity=name, name=name, role=Role.ADMIN)


def local_operator() -> Actor:
    """Return the actor of the command line: who can read BONANCA_HOME is its administrator."""
    try:
        login = getpass.getuser()
    except (KeyError, OSError):
        # A user id without an account, as in containers.
        login = "operator"
    return Actor(kind="operator", identity=login, name=login, role=Role.ADMIN)


def person(user: User) -> Actor:
    """Return the actor of a signed-in person (one query for the teams)."""
    teams = frozenset(user.memberships.values_list("team", flat=True))
    return Actor(
        kind="person",
        identity=user.email,
        name=user.name,
        role=Role(user.role),
        user_id=user.id,
        teams=teams,
        locale=user.locale,
        time_zone=user.time_zone,
    )
