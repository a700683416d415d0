"""Rows that a rollback set aside: a person settles what waits, few may read the content, and it expires."""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from bonanca.catalog.spec import RollbackSpec
from bonanca.cli.main import run
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.queries import list_runs
from bonanca.durable.registry import handler
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid, NotAllowed
from bonanca.recovery.operations.expire_set_aside import expire_set_aside
from bonanca.recovery.operations.read_rows import ContentGone, read_rows
from bonanca.recovery.operations.record_outcomes import Outcome, record_outcomes
from bonanca.recovery.operations.record_set_aside import record_set_aside
from bonanca.recovery.operations.settle_rows import RowsSettled, settle_rows
from bonanca.recovery.queries import get_set_aside
from bonanca.recovery.state import RowKind, RowOutcome
from bonanca.recovery.views import SetAsideView
from tests.support.loja import NOW, Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db
REPLAY = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"key": json.loads(line)["key"], "outcome": "applied"}))
"""
ORDER_1, ORDER_2, ORDER_3 = ("orders", "1"), ("orders", "2"), ("orders", "3")
WHY = {"reason": "Ana called the customer", "now": NOW}


@pytest.fixture
def aside(shop: Shop, tmp_path: Path) -> SetAsideView:
    """Three orders: one was applied, one met a conflict, one was changed and needs a decision."""
    shop.declare(replay=(sys.executable, "-c", REPLAY))
    file = tmp_path / "set-aside.jsonl"
    rows = [(*ORDER_1, RowKind.NEW), (*ORDER_2, RowKind.NEW), (*ORDER_3, RowKind.CHANGED)]
    file.write_text(
        "".join(
            f'{{"table": "{table}", "key": "{key}", "kind": "{kind}", "row": {{"total": 10.50, "who": "=cmd()"}}}}\n'
            for table, key, kind in rows
        )
    )
    made = record_set_aside(
        key="k",
        run_id=uuid4(),
        service="loja-api",
        pin_id=uuid4(),
        kept_database="loja_kept_1",
        file=file,
        file_sha256="x",
        rows=rows,
        actor=shop.system,
        now=NOW,
    )
    answers = [Outcome("orders", "1", RowOutcome.APPLIED), Outcome("orders", "2", RowOutcome.CONFLICT, "sold out")]
    record_outcomes(made.id, answers, now=NOW)
    return get_set_aside(made.id)


def outcomes(aside: SetAsideView) -> dict[str, int]:
    return {name: n for name, n in get_set_aside(aside.id).counts.items() if n}


def test_rows_are_let_go_with_a_reason_that_the_audit_keeps(shop: Shop, aside: SetAsideView) -> None:
    settle_rows(aside.id, rows=[ORDER_2, ORDER_3], decision="discard", actor=shop.beto, **WHY)
    assert outcomes(aside) == {"applied": 1, "discarded": 2}
    [*_, last] = audit.history(f"set-aside:{aside.id}")
    assert (last.action, last.facts["rows"], last.facts["reason"]) == (
        "rows.discard",
        ["orders 2", "orders 3"],
        WHY["reason"],
    )
    assert list_runs() == ()


def test_rows_are_given_to_the_service_once_more_whatever_it_said_before(shop: Shop, aside: SetAsideView) -> None:
    Path(aside.file).with_suffix(".outcomes.jsonl").write_text('{"key": "2", "outcome": "conflict"}\n')
    settle_rows(aside.id, rows=[ORDER_2], decision="apply", actor=shop.beto, **WHY)
    assert outcomes(aside) == {"applied": 1, "pending": 1, "decision": 1}
    [started] = list_runs()
    assert (started.kind, started.subject, started.created_by) == ("reapply", "service:loja-api", shop.beto.label)
    step = started.steps[0]
    ctx = StepContext(
        run_id=started.id,
        step_key=step.key,
        token=FenceToken(started.id, 1),
        params={"service": "loja-api", "set_aside_id": str(aside.id)},
        context={},
        receipts={},
        timeout_s=60,
        now=lambda: NOW,
        progress=lambda share, text: None,
        still_mine=lambda: None,
        remaining_s=lambda: 60.0,
    )
    assert handler(step.kind).check(ctx) is None
    assert handler(step.kind).apply(ctx)["counts"]["applied"] == 2
    assert handler(step.kind).check(ctx) is not None
    assert outcomes(aside) == {"applied": 2, "decision": 1}


def test_all_or_nothing_and_only_by_who_may(shop: Shop, aside: SetAsideView) -> None:
    given: dict[str, Any] = {"rows": [ORDER_2], "decision": "discard", "actor": shop.beto, **WHY}
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                settle_rows(aside.id, **{**given, "actor": outsider})
        for rows in ([ORDER_2, ORDER_1], [ORDER_2, ("orders", "9")]):
            with pytest.raises(RowsSettled):
                settle_rows(aside.id, **{**given, "rows": rows})
        for wrong, field in (({"rows": []}, "rows"), ({"decision": "x"}, "decision"), ({"reason": " "}, "reason")):
            with pytest.raises(Invalid) as refused:
                settle_rows(aside.id, **{**given, **wrong})
            assert refused.value.field == field
    shop.declare(replay=())
    with nothing_happens(), pytest.raises(Invalid, match="declares no replay"):
        settle_rows(aside.id, **{**given, "decision": "apply"})


def test_content_is_exported_for_few_and_reading_it_is_written_down(shop: Shop, aside: SetAsideView) -> None:
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                read_rows(aside.id, actor=outsider, now=NOW)
        with pytest.raises(Invalid):
            read_rows(aside.id, form="xml", actor=shop.beto, now=NOW)
    lines = [json.loads(line) for line in read_rows(aside.id, actor=shop.beto, now=NOW)]
    assert [(line["key"], line["outcome"], line["row"]["total"]) for line in lines] == [
        ("1", "applied", 10.5),
        ("2", "conflict", 10.5),
        ("3", "decision", 10.5),
    ]
    text = "".join(read_rows(aside.id, form="csv", actor=shop.beto, now=NOW))
    table = list(csv.DictReader(io.StringIO(text)))
    assert (table[1]["key"], table[1]["reason"], "10.50" in table[1]["row"]) == ("2", "sold out", True)
    actions = [e.action for e in audit.history(f"set-aside:{aside.id}")]
    assert actions.count("rows.read") == 2


def test_content_expires_by_policy_but_not_while_rows_wait(shop: Shop, aside: SetAsideView) -> None:
    shop.declare(rollback=RollbackSpec(kept_for_h=48))
    later = NOW + timedelta(hours=49)
    with nothing_happens():
        assert expire_set_aside(now=later) == []
    settle_rows(aside.id, rows=[ORDER_2, ORDER_3], decision="discard", actor=shop.beto, **WHY)
    with nothing_happens():
        assert expire_set_aside(now=NOW + timedelta(hours=47)) == []
    answers = Path(aside.file).with_suffix(".outcomes.jsonl")
    answers.write_text("")
    assert expire_set_aside(now=later) == []
    assert (Path(aside.file).exists(), answers.exists()) == (False, False)
    assert get_set_aside(aside.id).removed_at == later
    with nothing_happens():
        assert expire_set_aside(now=later) == []
        with pytest.raises(ContentGone):
            read_rows(aside.id, actor=shop.beto, now=later)


def test_page_api_and_command_settle_alike(
    client: Client, shop: Shop, member: Any, stranger: Any, aside: SetAsideView, capsys: pytest.CaptureFixture[str]
) -> None:
    page = reverse("recovery:rows", args=[aside.id])
    client.force_login(stranger)
    assert b'name="row"' not in client.get(page).content
    assert client.get(reverse("recovery:export_rows", args=[aside.id, "csv"])).status_code == 403
    client.force_login(member)
    assert b'value="orders\x1f2"' in client.get(page).content
    assert client.get(reverse("recovery:export_rows", args=[aside.id, "jsonl"])).content.count(b"\n") == 3
    settle = reverse("recovery:settle_rows", args=[aside.id])
    with nothing_happens():
        assert client.post(settle, {"row": "orders\x1f2", "decision": "discard"}).headers["Location"] == page
    client.post(settle, {"row": "orders\x1f2", "decision": "discard", "reason": "sold out"})
    assert outcomes(aside)["discarded"] == 1
    path = f"/api/v1/set-asides/{aside.id}"
    assert client.get(f"{path}/export?format=csv").headers["Content-Type"].startswith("text/csv")
    assert [one["waiting"] for one in client.get("/api/v1/set-asides?service=loja-api").json()] == [1]
    body = {"rows": [{"table": "orders", "key": "2"}], "decision": "discard", "reason": "again"}
    assert client.post(f"{path}/settle", body, content_type="application/json").status_code == 409
    assert run(["rows", "list", "loja-api"]) == 0
    assert run(["rows", "settle", str(aside.id), "apply", "--row", "orders:3", "--reason", "she paid"]) == 0
    assert "pending" in capsys.readouterr().out
    out = shop.folder / "rows.csv"
    assert run(["rows", "export", str(aside.id), "--out", str(out), "--format", "csv"]) == 0
    assert (out.stat().st_mode & 0o777, len(out.read_text().splitlines())) == (0o600, 4)
    assert run(["rows", "export", str(aside.id), "--out", str(out)]) == 5
    assert run(["rows", "show", str(aside.id)]) == 0
