"""Which change may have done it, and why it is said to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from bonanca.catalog.spec import RepositorySpec
from bonanca.delivery.models import Change
from bonanca.delivery.operations.move_change import mark_deploying
from bonanca.delivery.queries import suspects_for
from bonanca.kernel.errors import NotFound
from tests.support.loja import NOW, Shop, bare_service

pytestmark = pytest.mark.django_db
BEGAN = NOW + timedelta(minutes=10)


def reasons(shop: Shop) -> list[tuple[str, tuple[str, ...]]]:
    return [(suspect.version, suspect.reason_texts) for suspect in suspects_for("loja-api", BEGAN)]


def test_the_only_change_before_the_failure_is_named_with_its_evidence(shop: Shop) -> None:
    change = shop.deployed("v2", at=BEGAN - timedelta(seconds=42))
    [suspect] = suspects_for("loja-api", BEGAN)
    assert (suspect.change_id, suspect.title, suspect.version) == (change.id, "Release v2", "v2")
    assert suspect.changed_at == BEGAN - timedelta(seconds=40)
    assert suspect.reason_texts == (
        "it took effect 40 s before the first failure",
        "it changed the service that fails",
        "it is the only change in the 24 h before",
    )


def test_the_newest_one_is_suspected_first(shop: Shop) -> None:
    shop.deployed("v2", at=NOW)
    shop.deployed("v3", at=NOW + timedelta(minutes=5))
    assert [version for version, _ in reasons(shop)] == ["v3", "v2"]
    assert all("only" not in "".join(why) for _, why in reasons(shop))


def test_a_failure_during_the_deployment_is_said(shop: Shop) -> None:
    change = shop.propose("v2")
    mark_deploying(change.id, run_id=uuid4(), actor=shop.beto, now=BEGAN - timedelta(seconds=1))
    Change.objects.update(finished_at=BEGAN + timedelta(seconds=5))
    assert reasons(shop)[0][1][0] == "the failures began while it was being deployed"


def test_what_was_never_started_came_later_or_is_old_is_innocent(shop: Shop) -> None:
    shop.propose("v3")
    assert reasons(shop) == []
    shop.deployed("v2", at=BEGAN + timedelta(seconds=1))
    assert reasons(shop) == []
    Change.objects.update(deploying_at=BEGAN - timedelta(hours=24, seconds=1))
    assert reasons(shop) == []


def test_a_change_of_a_dependency_comes_after_one_of_the_service(shop: Shop) -> None:
    stock = replace(
        bare_service("estoque-api", "Estoque"),
        team_slug="estoque",
        repository=RepositorySpec(str(shop.repository.path)),
        root=shop.folder / "estoque",
    )
    from bonanca.catalog.operations.apply_catalog import apply_catalog
    from bonanca.catalog.spec import Catalog

    shop.declare(depends_on=("estoque-api",))
    apply_catalog(Catalog(services=(stock,)), source="test", actor=shop.system, now=NOW)
    shop.deployed("v2", at=NOW)
    other = shop.propose("v1", service="estoque-api", actor=shop.ana)
    mark_deploying(other.id, run_id=uuid4(), actor=shop.system, now=BEGAN - timedelta(seconds=5))
    first, second = reasons(shop)
    assert (first[0], second[0]) == ("v2", "v1")
    assert "it changed estoque-api, which the failing service depends on" in second[1]


def test_an_unknown_service_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        suspects_for("nowhere", BEGAN)
