"""A shop that applies rows again, and what its rollback tests do with it."""

from __future__ import annotations

from bonanca.recovery.tests.plans import Plan

REPLAY = """
import json, sys, psycopg
with psycopg.connect(open(sys.argv[1]).read(), autocommit=True) as shop:
    for line in sys.stdin:
        given = json.loads(line)
        row = given["row"]
        if row["total_cents"] == 666:
            print(json.dumps({"key": given["key"], "outcome": "conflict", "reason": "out of stock"}), flush=True)
            continue
        done = shop.execute("INSERT INTO orders (number, total_cents, created_at) VALUES (%s, %s, %s)"
                            " ON CONFLICT DO NOTHING", (row["number"], row["total_cents"], row["created_at"]))
        outcome = "applied" if done.rowcount else "duplicate"
        print(json.dumps({"table": given["table"], "key": given["key"], "outcome": outcome}), flush=True)
        if len(sys.argv) > 2 and done.rowcount:
            sys.exit(3)
"""


def pinned(shop) -> tuple[Plan, dict]:
    """A pin, taken by the plan that deploys."""
    deployment = Plan(shop.slug, change_id="0192-change")
    return deployment, deployment.do("recovery.pin")


def damage(shop) -> None:
    """What a bad version does: a damaged column, another configuration, and orders that people made meanwhile."""
    shop.run("UPDATE products SET price_cents = 0")
    (shop.folder / "loja.toml").write_text("limit = 0\n")
    shop.run("INSERT INTO orders (total_cents) VALUES (201), (202), (203)")


def rollback(shop, pin: dict) -> Plan:
    return Plan(shop.slug, pin_id=pin["pin_id"])


def prices(shop, database: str | None = None) -> set[int]:
    return {row[0] for row in shop.ask("SELECT price_cents FROM products", database)}
