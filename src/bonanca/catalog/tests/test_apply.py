"""Applying a catalog: all or nothing, the same again changes nothing, removal only when asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bonanca.access.actors import SYSTEM, person
from bonanca.access.models import User
from bonanca.actuators.gateway.queries import desired_state
from bonanca.catalog import queries
from bonanca.catalog.diffs import CatalogDiff, compare
from bonanca.catalog.documents.load import load_text
from bonanca.catalog.models import Service
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.kernel import audit
from bonanca.kernel.errors import NotAllowed, NotFound
from bonanca.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SHOP = (Path(__file__).parent / "shop.yaml").read_text(encoding="utf-8")
STOCK = (
    "  - {slug: estoque, team: loja, gateway: {routes: [{path_prefix: /estoque}]}, run: {replicas: [{port: 9301}]}}\n"
)
TWO = SHOP.replace("depends_on: []", "depends_on: [estoque]") + STOCK


def apply(text: str, **options) -> CatalogDiff:
    catalog = load_text(text, name="bonanca.yaml", base=Path("/srv/shop"))
    return apply_catalog(catalog, source="bonanca.yaml", actor=SYSTEM("test"), now=NOW, **options)


def events() -> list[str]:
    return sorted(f"{e.name} {e.payload['service']}" for e in OutboxEvent.objects.filter(name__startswith="catalog."))


def places() -> dict[str, str]:
    return {f"{r.host or '*'}{r.path_prefix}": r.service for r in desired_state("default").routes}


def test_a_declared_service_can_be_read_by_other_rooms() -> None:
    diff = apply(SHOP)
    assert [(c.action, c.kind, c.name) for c in diff.changes] == [
        ("add", "team", "loja"),
        ("add", "person", "ana@loja.example"),
        ("add", "person", "beto@loja.example"),
        ("add", "service", "loja-api"),
    ]
    service = queries.get_service("loja-api")
    assert service.run is not None
    assert service.run.replicas[0].url == "http://127.0.0.1:9101"
    assert queries.find_slo("loja-availability")[0] == service
    team = queries.get_team("loja")
    assert team.on_call == ("ana@loja.example",)
    assert [(m.email, m.role, m.invited) for m in team.members] == [
        ("ana@loja.example", "commander", True),
        ("beto@loja.example", "responder", True),
    ]
    assert events() == ["catalog.service.declared.v1 loja-api"]
    assert places() == {"*/": "loja-api"}
    assert {b.url for b in desired_state("default").routes[0].backends} == {
        "http://127.0.0.1:9101",
        "http://127.0.0.1:9102",
    }
    assert audit.history("service:loja-api")[0].action == "catalog.service.declared"


def test_applying_the_same_again_changes_nothing() -> None:
    apply(SHOP)
    version, entries = desired_state("default").version, audit.count()
    again = apply(SHOP)
    assert not again.changes
    assert (desired_state("default").version, audit.count(), len(events())) == (version, entries, 1)


def test_a_change_names_its_fields_and_hides_environment_values() -> None:
    apply(SHOP)
    changed = SHOP.replace("port: 9102", "port: 9202").replace("KEY: value", "KEY: secret")
    diff = apply(changed)
    fields = {f.path: (f.before, f.after) for f in diff.changes[0].fields}
    assert fields == {"run.replicas[1].port": ("9102", "9202"), "run.env.KEY": ("•••", "•••")}
    assert "secret" not in str(audit.history("service:loja-api"))
    assert "http://127.0.0.1:9202" in str(desired_state("default"))


def test_what_is_not_mentioned_stays_unless_pruned() -> None:
    apply(TWO)
    assert queries.dependents_of("estoque") == ("loja-api",)
    assert places() == {"*/": "loja-api", "*/estoque": "estoque"}
    kept = apply(SHOP)
    assert [(c.action, c.name) for c in kept.of("service", "leave")] == [("leave", "estoque")]
    assert queries.get_service("estoque").slug == "estoque"
    assert queries.dependents_of("estoque") == ()
    apply(SHOP, prune=True)
    with pytest.raises(NotFound):
        queries.get_service("estoque")
    assert Service.objects.get(slug="estoque").active is False
    assert places() == {"*/": "loja-api"}
    assert "catalog.service.removed.v1 estoque" in events()
    apply(TWO)
    assert queries.get_service("estoque").slug == "estoque"


def test_a_pruned_team_has_no_people_left_and_its_people_stay() -> None:
    other = "  - {slug: dados, name: Dados, members: [{email: caio@loja.example, name: Caio}]}\nservices:"
    apply(SHOP.replace("services:", other, 1))
    assert [p.email for p in queries.team_members("dados")] == ["caio@loja.example"]
    apply(SHOP, prune=True)
    assert queries.team_members("dados") == ()
    assert [t.slug for t in queries.list_teams()] == ["loja"]
    assert User.objects.filter(email="caio@loja.example", is_active=True).exists()


def test_two_services_may_swap_their_places() -> None:
    apply(TWO)
    swapped = TWO.replace("path_prefix: /}", "path_prefix: /x}").replace("/estoque}", "/}").replace("/x}", "/estoque}")
    apply(swapped)
    assert places() == {"*/": "estoque", "*/estoque": "loja-api"}


def test_diff_tells_the_same_and_changes_nothing() -> None:
    catalog = load_text(SHOP, name="x", base=Path("/srv/shop"))
    told = compare(catalog, prune=False)
    assert [c.action for c in told.changes] == ["add"] * 4
    assert not Service.objects.exists()
    assert apply(SHOP) == told


def test_a_person_keeps_their_own_language_and_an_administrator_their_role() -> None:
    apply(SHOP)
    User.objects.filter(email="beto@loja.example").update(locale="en", role="admin")
    assert not apply(SHOP).changes
    beto = User.objects.get(email="beto@loja.example")
    assert (beto.locale, beto.role) == ("en", "admin")
    apply(SHOP.replace("role: commander", "role: responder"))
    assert User.objects.get(email="ana@loja.example").role == "responder"


def test_only_administrators_apply(owner: User) -> None:
    with pytest.raises(NotAllowed):
        apply_catalog(load_text(SHOP, name="x", base=Path("/")), source="x", actor=person(owner), now=NOW)
    assert not Service.objects.exists()


def test_drift_between_environments_is_told() -> None:
    development = """
  - {slug: loja-api-development, team: loja, environment: development, run: {replicas: [{port: 9401}], env: {KEY: x}}}
"""
    apply(SHOP + development)
    told = queries.drift("production", "development")
    assert "loja-api.database: production" in told
    assert not any(part.startswith("loja-api.run") for part in told)
    assert queries.drift("production", "production") == ()
