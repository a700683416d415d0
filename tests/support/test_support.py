"""The tests' own tools keep what they promise."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg
import pytest

from bonanca.access.actors import person
from bonanca.access.permissions import Permission, allowed
from bonanca.actuators.postgres.cluster import Cluster
from tests.support.poll import eventually

if TYPE_CHECKING:
    from bonanca.access.models import User


def test_waiting_ends_with_the_last_reason() -> None:
    def never() -> bool:
        raise AssertionError("still not")

    with pytest.raises(AssertionError, match="still not"):
        eventually(never, timeout_s=0.1)
    with pytest.raises(AssertionError, match="last value was 0"):
        eventually(lambda: 0, timeout_s=0.1)


def test_waiting_returns_the_first_true_value() -> None:
    values = iter([0, None, 7, 8])
    assert eventually(lambda: next(values), every_s=0.001) == 7


def test_each_session_has_a_server_of_its_own(cluster: Cluster, scratch_database: str) -> None:
    assert str(cluster.port) in os.environ["DATABASE_URL"]
    assert os.environ["BONANCA_HOME"] == str(cluster.home.parent)
    with psycopg.connect(scratch_database) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_cast_can_do_what_its_parts_say(owner: User, member: User, stranger: User, anonymous: None) -> None:
    def may(user: User | None) -> list[Permission]:
        actor = person(user) if user is not None else None
        return [p for p in (Permission.READ, Permission.RESPOND, Permission.COMMAND) if allowed(actor, p, team="loja")]

    assert may(owner) == [Permission.READ, Permission.RESPOND, Permission.COMMAND]
    assert may(member) == [Permission.READ, Permission.RESPOND]
    assert may(stranger) == [Permission.READ]
    assert may(anonymous) == []
