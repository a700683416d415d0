"""The step kinds, against a gateway in memory that applies in its own thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from bonanca.actuators.gateway import queries
from bonanca.actuators.gateway.fake import FakeGateway
from bonanca.actuators.gateway.operations.lift_directive import lift_directive
from bonanca.actuators.gateway.operations.set_routes import set_routes
from bonanca.actuators.gateway.steps import Maintenance, Open, WaitApplied, Weights
from bonanca.actuators.gateway.wire import local_routes
from bonanca.durable.context import FenceToken, Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.registry import handler
from bonanca.kernel.clock import utc_now

pytestmark = pytest.mark.django_db(transaction=True)

RUN, UNDO = UUID(int=1), UUID(int=2)
CLOSE = {"gateway": "default", "service": "loja-api", "message": "Voltamos já.", "wait_s": 5}


def context(
    key: str, params: dict[str, Any], receipts: Mapping[str, Receipt] | None = None, run: UUID = RUN
) -> StepContext:
    return StepContext(
        run_id=run,
        step_key=key,
        token=FenceToken(run, 1),
        params=params,
        context={},
        receipts=receipts or {},
        timeout_s=30,
        now=utc_now,
        progress=lambda fraction, text: None,
        still_mine=lambda: None,
        remaining_s=lambda: 30.0,
    )


@pytest.fixture
def gateway() -> FakeGateway:
    set_routes("default", "loja-api", local_routes("loja-api", [(None, "/")], [9101]), utc_now())
    return FakeGateway()


def test_maintenance_then_open_then_both_undone(gateway: FakeGateway) -> None:
    closing, opening = Maintenance(), Open()
    with gateway.running():
        first = context("maintenance", CLOSE)
        assert closing.check(first) is None
        closed = closing.apply(first)
        assert gateway.serve("/").status == 503
        assert closing.check(first) == closed == closing.apply(first)

        second = context("open", {"gateway": "default", "step": "maintenance"}, {"maintenance": closed})
        assert opening.check(second) is None
        opened = opening.apply(second)
        assert gateway.serve("/").status == 200
        assert opening.check(second) == opened == opening.apply(second)

        # Undo, in reverse, by a plan of its own.
        opening.undo(context("open", second.params, run=UNDO), opened)
        assert gateway.serve("/").status == 503
        closing.undo(context("maintenance", CLOSE, run=UNDO), closed)
        assert gateway.serve("/").status == 200
        closing.undo(context("maintenance", CLOSE, run=UNDO), closed)
        assert gateway.serve("/").status == 200


def test_a_page_that_somebody_lifted_is_put_back_when_the_step_is_tried_again(gateway: FakeGateway) -> None:
    closing, ctx = Maintenance(), context("maintenance", CLOSE)
    with gateway.running():
        closing.apply(ctx)
        lift_directive(key=ctx.key, now=utc_now())
        assert closing.check(ctx) is None
        closing.apply(ctx)
        assert gateway.serve("/").status == 503


def test_requests_are_divided_and_the_undo_divides_them_as_before(gateway: FakeGateway) -> None:
    shares = [
        {"weight": 1, "backends": ["http://127.0.0.1:9101"]},
        {"weight": 1, "backends": ["http://10.0.0.2:9101"]},
    ]
    weighing, ctx = Weights(), context("weights", CLOSE | {"shares": shares, "max_s": 60})
    gateway.standby = lambda method, path: 201
    with gateway.running():
        assert weighing.check(ctx) is None
        weighed = weighing.apply(ctx)
        assert sorted(gateway.serve("/").status for _ in range(4)) == [200, 200, 201, 201]
        assert weighing.check(ctx) == weighed == weighing.apply(ctx)
        weighing.undo(context("weights", ctx.params, run=UNDO), weighed)
        assert {gateway.serve("/").status for _ in range(4)} == {200}
        none = [{"weight": 0, "backends": ["http://127.0.0.1:9101"]}]
        with pytest.raises(StepFailed) as failed:
            weighing.apply(context("nobody", CLOSE | {"shares": none}))
        assert not failed.value.retryable


def test_without_an_agent_the_step_fails_in_clear_words_and_changes_nothing(gateway: FakeGateway) -> None:
    version = queries.current_version("default")
    with pytest.raises(StepFailed) as failed:
        Maintenance().apply(context("maintenance", CLOSE | {"wait_s": 0.2}))
    assert "default" in str(failed.value)
    assert "bonanca gateway" in str(failed.value.hint)
    assert failed.value.retryable
    assert queries.current_version("default") == version


def test_an_agent_that_stopped_applying_fails_the_step(gateway: FakeGateway) -> None:
    gateway.pull()
    with pytest.raises(StepFailed):
        Maintenance().apply(context("maintenance", CLOSE | {"wait_s": 0.2}))


def test_input_that_no_gateway_could_apply_fails_for_good(gateway: FakeGateway) -> None:
    with gateway.running(), pytest.raises(StepFailed) as failed:
        Maintenance().apply(context("maintenance", CLOSE | {"match": "/`"}))
    assert not failed.value.retryable


def test_opening_without_the_step_before_fails(gateway: FakeGateway) -> None:
    with pytest.raises(StepFailed):
        Open().apply(context("open", {"gateway": "default", "step": "maintenance"}))


def test_waiting_for_the_newest_version(gateway: FakeGateway) -> None:
    waiting, ctx = WaitApplied(), context("wait", {"gateway": "default", "wait_s": 5})
    assert waiting.check(ctx) is None
    with gateway.running():
        assert waiting.apply(ctx) == waiting.check(ctx) == {"version": 1}


def test_the_kinds_are_known_to_plans() -> None:
    for kind in ("gateway.maintenance", "gateway.open", "gateway.weights", "gateway.wait_applied"):
        assert handler(kind)
