"""Compare what buyers were told with what the shop's database holds.

`reconcile.py --account FILE.jsonl --dsn-file FILE` prints a JSON summary; exit 0 only if both agree.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg


@dataclass(frozen=True)
class Reconciliation:
    """Order numbers by what is wrong with them; `confirmed` counts the orders that buyers were told are theirs.

    lost: confirmed and not in the database. differing: other total, or items that do not add up to it. duplicated:
    one checkout (idempotency key) that has become several orders. unaccounted: in the database under a key of the
    account's buyers, whose answer never arrived; a buyer would see it as a surprise, not as a loss.
    """

    confirmed: int
    lost: tuple[str, ...]
    differing: tuple[str, ...]
    duplicated: tuple[str, ...]
    unaccounted: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not (self.lost or self.differing or self.duplicated)


def read_account(file: Path) -> list[dict[str, Any]]:
    """The account's lines; a last line that was cut off while it was written is left out."""
    lines = file.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]


def reconcile(account: list[dict[str, Any]], dsn: str) -> Reconciliation:
    """Compare an account with the database at `dsn`.

    Raises:
        psycopg.Error: the database cannot be read.
    """
    confirmed = [line for line in account if line["event"] == "confirmed"]
    keys = sorted({line["key"] for line in account})
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT o.number, o.idempotency_key, o.total_cents, sum(i.quantity * i.unit_price_cents)"
            " FROM orders o LEFT JOIN order_items i ON i.order_number = o.number"
            " WHERE o.idempotency_key = ANY(%s) OR o.number = ANY(%s) GROUP BY 1, 2, 3",
            (keys, [line["number"] for line in confirmed]),
        ).fetchall()
    held = {number: (total, items) for number, _key, total, items in rows}
    told = {line["number"]: line["total_cents"] for line in confirmed}
    by_key: dict[str, set[str]] = {}
    for line in confirmed:
        by_key.setdefault(line["key"], set()).add(line["number"])
    for number, key, _total, _items in rows:
        by_key.setdefault(key, set()).add(number)
    answered = {line["key"] for line in confirmed}
    return Reconciliation(
        confirmed=len(told),
        lost=tuple(sorted(number for number in told if number not in held)),
        differing=tuple(
            sorted(number for number, total in told.items() if number in held and held[number] != (total, total))
        ),
        duplicated=tuple(sorted(number for numbers in by_key.values() if len(numbers) > 1 for number in numbers)),
        unaccounted=tuple(sorted(number for number, key, _total, _items in rows if key not in answered)),
    )


def main() -> int:
    """Print the comparison; 0 when the account and the database agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--account", type=Path, required=True)
    parser.add_argument("--dsn-file", type=Path, required=True)
    arguments = parser.parse_args()
    result = reconcile(read_account(arguments.account), arguments.dsn_file.read_text(encoding="utf-8").strip())
    print(json.dumps({**asdict(result), "agrees": result.agrees}, indent=2))
    return 0 if result.agrees else 1


if __name__ == "__main__":
    sys.exit(main())
