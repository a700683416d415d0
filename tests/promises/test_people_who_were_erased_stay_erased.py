"""People who were erased stay erased: no rollback of data goes on before people have looked, and nobody comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bonanca.cli.demo.ground import SERVICE, Ground
from bonanca.cli.demo.person import Person, wait_for
from bonanca.cli.demo.product import Product

PRIVACY = """    privacy:
      erasures:
        find: SELECT count(*) FROM customers WHERE id = %(reference)s AND email NOT LIKE '%%@eliminado'
        sql: ["UPDATE customers SET name = 'eliminado', email = id || '@eliminado' WHERE id = %(reference)s"]
      compare:
        - {name: Segmentos, kind: permissions, sql: "SELECT id || ' ' || segment FROM customers"}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ground, Product, Person]]:
    """A shop at version 2 that has said what must not come back."""
    ground = Ground(tmp_path_factory.mktemp("erased") / "home")
    product = Product(ground.product, smtp_port=1)
    person: Person | None = None
    try:
        ground.clear()
        ground.build()
        declared = ground.declaration.read_text()
        ground.declaration.write_text(declared.replace("    database:\n", PRIVACY + "    database:\n", 1))
        product.start()
        product.command("apply", str(ground.declaration))
        person = signed_in(product, "ana@loja.example")
        for version in ("v1", "v2"):
            reason = {} if version == "v1" else {"override_reason": "the drill comes later"}
            change = person.post("changes", service=SERVICE, version=version)
            ended(person, person.post(f"changes/{change['number']}/deploy", **reason)["run_id"])
        yield ground, product, person
    finally:
        if person is not None:
            person.close()
        product.stop()
        ground.stop()


def signed_in(product: Product, email: str) -> Person:
    token = json.loads(product.command("token", "create", "--name", email, "--user", email, "--json"))
    return Person(product.url, token["secret"])


def ended(person: Person, run_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        run: dict[str, Any] = person.get(f"plans/{run_id}")
        return run if run["state"] in ("succeeded", "failed") else None

    run = wait_for("the plan", look, timeout_s=120)
    assert run["state"] == "succeeded", run
    return run


def person_of(ground: Ground, customer: str) -> object:
    return ground.query(f"SELECT name FROM customers WHERE id = '{customer}'")[0][0]


def test_a_rollback_waits_for_people_and_brings_nobody_back(shop: tuple[Ground, Product, Person]) -> None:
    ground, product, ana = shop
    first, second = (str(row[0]) for row in ground.query("SELECT id FROM customers ORDER BY id LIMIT 2"))
    # After version 2 went out, one customer asks to be erased, and another one loses a privilege.
    erase = "UPDATE customers SET name = 'eliminado', email = id || '@eliminado'"
    ground.query(f"{erase} WHERE id = '{first}' RETURNING 1")
    ground.query(f"UPDATE customers SET segment = segment + 1 WHERE id = '{second}' RETURNING 1")
    ana.post("erasures", service=SERVICE, reference=first, reason="pedido 12")

    beto = signed_in(product, "beto@loja.example")
    change = next(one for one in ana.get("changes") if one["version"] == "v2")
    plan = beto.post(f"changes/{change['number']}/rollback")
    run_id = ana.post(f"response-plans/{plan['id']}/approve")["run_id"]
    waiting = wait_for("the plan to wait", lambda: held(ana, run_id), timeout_s=120)
    assert waiting["waits_at"].startswith("/reviews/")
    # Nothing is interrupted and nothing has gone back while people look.
    assert [step["state"] for step in waiting["steps"] if step["key"] in ("maintenance", "stop", "data")] == [
        "pending"
    ] * 3

    (review,) = [one for one in ana.get("reviews") if one["run_id"] == run_id]
    assert {point["kind"] for point in review["points"]} == {"people", "permissions"}
    for point in review["points"]:
        beto.post(f"reviews/{review['id']}/points/{point['number']}/tick", note="Beto troca o segmento hoje")
    run = ended(ana, run_id)

    assert person_of(ground, first) == "eliminado"
    assert next(step for step in run["steps"] if step["key"] == "erased")["receipt"]["found"] == 0
    ticked = next(one for one in ana.get("reviews") if one["run_id"] == run_id)["points"]
    assert {point["ticked_by"] for point in ticked} == {"person:beto@loja.example"}
    beto.close()


def held(person: Person, run_id: str) -> dict[str, Any] | None:
    run: dict[str, Any] = person.get(f"plans/{run_id}")
    assert run["state"] != "failed", run
    return run if run["state"] == "paused" else None
