"""Where going back puts people's orders at risk, one person cannot do it alone: not asking twice, not by another door.

The second person says yes wherever they are: on the page, by a command, or by a link in a message that works once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bonanca.cli.demo.ground import SERVICE, Ground
from bonanca.cli.demo.mailbox import Mailbox
from bonanca.cli.demo.outcome import CheckFailed
from bonanca.cli.demo.person import Person, wait_for
from bonanca.cli.demo.product import Product
from bonanca.kernel.errors import Unavailable

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


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    ground, mail = Ground(tmp_path_factory.mktemp("eyes") / "home"), Mailbox()
    product = Product(ground.product, smtp_port=mail.port)
    people: list[Person] = []
    mail.start()
    try:
        ground.clear()
        ground.build()
        product.start()
        product.command("apply", str(ground.declaration))
        people += [_signed_in(product, email) for email in (ANA, BETO)]
        made = Stage(ground, product, mail, *people)
        for version in ("v1", "v2"):
            reason = {} if version == "v1" else {"override_reason": "the drill comes later"}
            change = made.ana.post("changes", service=SERVICE, version=version)
            made.finished(made.ana.post(f"changes/{change['number']}/deploy", **reason)["id"])
        yield made
    finally:
        for person in people:
            person.close()
        product.stop()
        ground.stop()
        mail.stop()


def _signed_in(product: Product, email: str) -> Person:
    token = json.loads(product.command("token", "create", "--name", email, "--user", email, "--json"))
    return Person(product.url, token["secret"])


def test_two_people_agree_where_rows_are_at_risk_and_one_of_them_by_a_link_that_works_once(stage: Stage) -> None:
    stage.order()
    asked = json.loads(stage.product.command("rollback", "propose", "CHG-2", "--reason", "Prices are wrong", "--json"))
    # At the terminal it was the operator of the machine who asked: the same person does not say yes as well.
    assert asked["preview"]["rows_at_risk"][0]["written_since"] == 1
    assert asked["preview"]["four_eyes"] == "rows"
    with pytest.raises(Unavailable, match="Two people have to agree"):
        stage.product.command("rollback", "approve", asked["id"])
    # Beto may ask for a rollback, and is no commander: his yes does not count through any door.
    with pytest.raises(CheckFailed, match="403"):
        stage.beto.post(f"response-plans/{asked['id']}/approve")
    assert stage.plan(asked["id"])["state"] == "proposed"

    # Ana is on her phone, not signed in. The link shows what is at risk; opening it, or forging it, does nothing.
    link = stage.link()
    with httpx.Client(timeout=30) as phone:
        shown = phone.get(link)
        assert shown.status_code == 200
        assert phone.get(link[:-3] + "xx/").status_code == 404
        assert phone.post(link).status_code == 403  # without the button's own token
        assert stage.plan(asked["id"])["state"] == "proposed"
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', shown.text)
        assert token is not None
        origin = {"Origin": stage.product.url, "Referer": link}
        assert phone.post(link, data={"csrfmiddlewaretoken": token[1]}, headers=origin).status_code == 200
        assert phone.get(link).status_code == 404  # it works once
    stage.finished(asked["id"])

    done = stage.plan(asked["id"])
    assert [(given["by"], given["via"]) for given in done["approvals"]] == [(f"person:{ANA}", "link")]
    stage.product.command("audit", "verify")  # it fails when a link of the chain is broken


def test_the_undo_counts_what_was_ordered_since_and_needs_two_people_too(stage: Stage) -> None:
    rollback = next(p for p in stage.beto.get("response-plans") if p["kind"] == "rollback")
    before = stage.orders()
    stage.order()
    undo = stage.ana.post(f"response-plans/{rollback['id']}/undo")
    # The order that the rollback applied again is in both databases: only the new one is at risk.
    orders = next(t for t in undo["preview"]["rows_at_risk"] if t["table"] == "orders")
    assert orders["written_since"] == 1
    assert undo["four_eyes"]
    with pytest.raises(CheckFailed, match="409"):
        stage.ana.post(f"response-plans/{undo['id']}/approve")
    stage.product.command("rollback", "approve", undo["id"])  # the operator of the machine is another person
    stage.finished(undo["id"])
    assert stage.orders() == before
    aside = stage.beto.get("set-asides", service=SERVICE)[0]
    assert aside["run_id"] == stage.plan(undo["id"])["run_id"]
    assert "orders" in {row["table"] for row in aside["undecided"] if row["kind"] == "new"}
