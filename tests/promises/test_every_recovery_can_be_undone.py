"""Every recovery can itself be undone: code, data and configuration come back byte for byte, and forth again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bonanca.cli.demo.ground import SERVICE, Ground
from bonanca.cli.demo.person import Person, wait_for
from bonanca.cli.demo.product import Product

TABLES = ("products", "customers", "orders", "order_items")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ground, Product, Person]]:
    """A shop at version 2, with one order made since, and the product that put it there."""
    ground = Ground(tmp_path_factory.mktemp("undo") / "home")
    product = Product(ground.product, smtp_port=1)
    person: Person | None = None
    try:
        ground.clear()
        ground.build()
        product.start()
        product.command("apply", str(ground.declaration))
        person = signed_in(product, "ana@loja.example")
        for version in ("v1", "v2"):
            reason = {} if version == "v1" else {"override_reason": "the drill comes later"}
            change = person.post("changes", service=SERVICE, version=version)
            finished(person, person.post(f"changes/{change['number']}/deploy", **reason))
        yield ground, product, person
    finally:
        if person is not None:
            person.close()
        product.stop()
        ground.stop()


def signed_in(product: Product, email: str) -> Person:
    token = json.loads(product.command("token", "create", "--name", email, "--user", email, "--json"))
    return Person(product.url, token["secret"])


def finished(person: Person, plan: dict[str, Any]) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        run: dict[str, Any] = person.get(f"plans/{plan['run_id']}")
        return run if run["state"] in ("succeeded", "failed") else None

    run = wait_for(plan["title"], ended, timeout_s=120)
    assert run["state"] == "succeeded", run
    return run


def state_of(ground: Ground) -> dict[str, str]:
    """Everything that a rollback changes, as checksums taken from outside."""
    rows = {
        table: str(ground.query(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")[0][0])
        for table in TABLES
    }
    columns = ground.query(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    configuration = (ground.root / "loja.toml").read_bytes()
    return rows | {
        "schema": hashlib.sha256(repr(columns).encode()).hexdigest(),
        "configuration": hashlib.sha256(configuration).hexdigest(),
        "release": Path(ground.root / "current").readlink().name,
    }


def version_served(product: Product) -> str:
    return str(httpx.get(f"{product.gateway_entry()}/version", timeout=10).json()["version"])


def decided(person: Person, plan: dict[str, Any]) -> dict[str, Any]:
    """Ana approves what Beto asked for: where rows are at risk, two people agree."""
    approved: dict[str, Any] = person.post(f"response-plans/{plan['id']}/approve")
    return approved


def test_a_rollback_and_its_undo_go_back_and_forth_byte_for_byte(shop: tuple[Ground, Product, Person]) -> None:
    ground, product, person = shop
    at_v2 = state_of(ground)
    assert version_served(product).startswith("2.")
    changes = {change["version"]: change for change in person.get("changes")}

    beto = signed_in(product, "beto@loja.example")
    plan = decided(person, beto.post(f"changes/{changes['v2']['number']}/rollback"))
    finished(person, plan)
    at_v1 = state_of(ground)
    assert version_served(product).startswith("1.")
    assert at_v1["release"] != at_v2["release"]
    assert at_v1["products"] != at_v2["products"]
    assert at_v1["configuration"] != at_v2["configuration"]
    wait_for("the change rolled back", lambda: change_state(person, "v2") == "rolled_back" or None, timeout_s=20)

    undo = decided(person, beto.post(f"response-plans/{plan['id']}/undo"))
    finished(person, undo)
    assert version_served(product).startswith("2.")
    assert state_of(ground) == at_v2
    wait_for("the change deployed again", lambda: change_state(person, "v2") == "deployed" or None, timeout_s=20)

    databases = {str(row[0]) for row in ground.query("SELECT datname FROM pg_database")}
    beto.close()
    assert len([name for name in databases if name.startswith("loja")]) >= 3  # live, pin, what the undo replaced


def change_state(person: Person, version: str) -> str:
    return str(next(c for c in person.get("changes") if c["version"] == version)["state"])
