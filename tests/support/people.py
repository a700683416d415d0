"""The fixed cast: the same four people stand in every test of permissions.

owner commands the team, member responds in it, stranger only looks, from another team, and anonymous is nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bonanca.access.models import User

TEAM, OTHER_TEAM = "loja", "estoque"


def _person(email: str, name: str, role: str, team: str) -> User:
    from bonanca.access.models import TeamMembership, User

    user = User.objects.create_user(email=email, name=name, role=role)
    TeamMembership.objects.create(user=user, team=team)
    return user


@pytest.fixture
def owner(db: None) -> User:
    """Ana, commander, of team `loja`."""
    return _person("ana@loja.example", "Ana Souza", "commander", TEAM)


@pytest.fixture
def member(db: None) -> User:
    """Beto, responder, of team `loja`."""
    return _person("beto@loja.example", "Beto Lima", "responder", TEAM)


@pytest.fixture
def stranger(db: None) -> User:
    """Caio, viewer, of team `estoque`."""
    return _person("caio@estoque.example", "Caio Reis", "viewer", OTHER_TEAM)


@pytest.fixture
def administrator(db: None) -> User:
    """Davi, admin, of no team."""
    from bonanca.access.models import User

    return User.objects.create_user(email="davi@bonanca.example", name="Davi Melo", role="admin")


@pytest.fixture
def anonymous() -> None:
    """Nobody: what an operation is given when no one signed in."""
    return
