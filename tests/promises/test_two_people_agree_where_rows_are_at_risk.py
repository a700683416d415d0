"""Where going back puts people's orders at risk, one person cannot do it alone: not asking twice, not by another door.

The second person says yes wherever they are: on the page, by a command, or by a link in a message that works once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from bonanca.cli.demo.ground import SERVICE
from bonanca.cli.demo.outcome import CheckFailed
from bonanca.kernel.errors import Unavailable
from tests.promises.stage import ANA, Stage, shop_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with shop_stage(tmp_path_factory.mktemp("eyes") / "home") as made:
        made.deploy("v1")
        made.deploy("v2", override_reason="the drill comes later")
        yield made


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
