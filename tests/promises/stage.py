"""A shop and the people around it, with the product as its operator runs it: processes, commands, pages, messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from bonanca.cli.demo.ground import SERVICE, Ground
from bonanca.cli.demo.mailbox import Mailbox
from bonanca.cli.demo.person import Person, wait_for
from bonanca.cli.demo.product import Product

ANA, BETO = "ana@loja.example", "beto@loja.example"


@dataclass
class Stage:
    """A shop at version 2 with its people, and the messages that they get."""

    ground: Ground
    product: Product
    mail: Mailbox
    ana: Person
    beto: Person

    def order(self) -> None:
        """Somebody buys through the front door; version 2 fails now and then, and they try another product."""
        products = iter(range(1, 40))

        def bought() -> bool:
            answer = httpx.post(
                f"{self.product.gateway_entry()}/checkout",
                json={"customer": "c-00001", "items": [{"product_id": next(products), "quantity": 1}]},
                headers={"Idempotency-Key": str(uuid4())},
                timeout=20,
            )
            return answer.status_code == 201

        wait_for("an order", bought, timeout_s=30)

    def orders(self) -> int:
        return int(str(self.ground.query("SELECT count(*) FROM orders")[0][0]))

    def link(self) -> str:
        """The address that Ana got on her phone, newest first."""
        token = wait_for("the message", self._newest, timeout_s=60)
        return f"{self.product.url}/recovery/approve/{token}/"

    def _newest(self) -> str | None:
        bodies = [str(r.message.get_content()) for r in self.mail.received() if ANA in r.to]
        found = [match[1] for body in bodies if (match := re.search(r"/recovery/approve/([^/\s]+)/", body))]
        return found[-1] if found else None

    def plan(self, plan_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.beto.get(f"response-plans/{plan_id}")
        return found

    def finished(self, plan_id: str) -> None:
        def ended() -> dict[str, Any] | None:
            shown = self.plan(plan_id)
            return shown if shown["state"] in ("succeeded", "failed") else None

        done = wait_for("the end of the plan", ended, timeout_s=180)
        assert done["state"] == "succeeded", done["error"]

    def deploy(self, version: str, **reason: str) -> str:
        """Put a version out; the id of its plan."""
        change = self.ana.post("changes", service=SERVICE, version=version)
        plan: str = self.ana.post(f"changes/{change['number']}/deploy", **reason)["id"]
        self.finished(plan)
        return plan


@contextmanager
def shop_stage(home: Path, declared: Callable[[str], str] = lambda text: text) -> Iterator[Stage]:
    """A shop that nothing was deployed to yet. `declared` changes its declaration before it is applied."""
    ground, mail = Ground(home), Mailbox()
    product = Product(ground.product, smtp_port=mail.port)
    people: list[Person] = []
    mail.start()
    try:
        ground.clear()
        ground.build()
        ground.declaration.write_text(declared(ground.declaration.read_text()))
        product.start()
        product.command("apply", str(ground.declaration))
        people += [_signed_in(product, email) for email in (ANA, BETO)]
        yield Stage(ground, product, mail, *people)
    finally:
        for person in people:
            person.close()
        product.stop()
        ground.stop()
        mail.stop()


def _signed_in(product: Product, email: str) -> Person:
    token = json.loads(product.command("token", "create", "--name", email, "--user", email, "--json"))
    return Person(product.url, token["secret"])
