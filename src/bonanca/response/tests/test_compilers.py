"""A plan is written down completely before it starts: its steps, their order, and nothing that JSON would change."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from bonanca.catalog.spec import DatabaseSpec, RollbackSpec, RowsAtRisk, ServiceView, VerifySpec, WatchSpec
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.plan import PlanSpec, checked
from bonanca.durable.registry import knows
from bonanca.kernel.errors import BonancaError, Invalid
from bonanca.response.compilers.deployment import compile_deployment
from bonanca.response.compilers.rollback import Occasion, compile_rollback
from bonanca.response.specs import spec_from_json, spec_to_json
from bonanca.running.times import GUESS_S
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def whole(shop: Shop) -> ServiceView:
    """The service with everything a team can declare."""
    shop.declare(
        migrate=("{python}", "-m", "migrate", "--config", "{config}"),
        replay=("{python}", "-m", "replay"),
        database=DatabaseSpec(shop.folder / "dsn", "loja", (RowsAtRisk("orders", "number", "created_at"),)),
    )
    return shop.service


def deployment(shop: Shop) -> PlanSpec:
    return compile_deployment(shop.service, shop.propose(), plan_id="p")


def rollback(shop: Shop, service: ServiceView, **facts: Any) -> PlanSpec:
    pin = shop.pin(shop.propose())
    given = {"title": "back", "plan_id": "p", "incident_id": str(uuid4()), "change_id": None, **facts}
    return compile_rollback(service, pin, Occasion(**given))


def kinds(plan: PlanSpec) -> list[str]:
    return [step.kind for step in plan.steps]


def test_going_back_waits_for_what_is_away_for_a_moment_and_going_forward_does_not(
    shop: Shop, whole: ServiceView
) -> None:
    given = [
        next(step for step in plan.steps if step.key == "restart") for plan in (deployment(shop), rollback(shop, whole))
    ]
    assert [step.retry_for_s for step in given] == [0, None]


def test_a_deployment_pins_first_and_verifies_last(shop: Shop, whole: ServiceView) -> None:
    plan = deployment(shop)
    assert kinds(plan) == [
        "recovery.pin",
        "git.release",
        "files.write",
        "command.run",
        "process.restart",
        "response.verify",
    ]
    assert (plan.kind, plan.subject, plan.context["team"]) == ("deployment", "service:loja-api", "loja")
    _, code, config, migrate, restart, verify = plan.steps
    assert (code.params["sha"], config.params["content"]) == (shop.sha("v2"), "limit = 20\n")
    assert migrate.params["argv"][-2:] == ["--config", str(shop.folder / "var" / "loja.toml")]
    assert migrate.params["cwd"].endswith(f"releases/{shop.sha('v2')[:12]}")
    assert verify.params["replicas"] == ["http://127.0.0.1:9101", "http://127.0.0.1:9102"]
    assert restart.timeout_s >= 2 * 15


def test_a_first_deployment_has_nothing_to_pin(shop: Shop) -> None:
    change = replace(shop.propose(), from_sha="")
    assert kinds(compile_deployment(shop.service, change, plan_id="p"))[0] == "git.release"


def test_a_bare_service_gets_only_the_steps_that_it_declares(shop: Shop) -> None:
    service = replace(shop.service, config=None, verify=())
    assert kinds(compile_deployment(service, shop.propose(), plan_id="p")) == [
        "recovery.pin",
        "git.release",
        "process.restart",
    ]
    bare = replace(service, gateway=None, slos=())
    silent = replace(bare, rollback=RollbackSpec(announce=()))
    assert kinds(rollback(shop, silent, incident_id=None)) == [
        "response.preflight",
        "process.stop",
        "git.release",
        "process.restart",
    ]


def test_a_rollback_is_polite_before_it_stops_and_open_only_when_verified(shop: Shop, whole: ServiceView) -> None:
    plan = rollback(shop, whole)
    assert [step.key for step in plan.steps] == [
        "announce",
        "preflight",
        "copy",
        "maintenance",
        "stop",
        "code",
        "data",
        "set_aside",
        "configuration",
        "restart",
        "verify",
        "reapply",
        "lift",
        "open",
        "watch",
        "announce_end",
    ]
    assert plan.steps[5].params["sha"] == shop.sha("v1")
    assert plan.context["pin_id"] == plan.steps[6].params["pin_id"]
    assert plan.steps[13].params["step"] == "maintenance"


def test_without_a_replay_rows_are_only_set_aside(shop: Shop, whole: ServiceView) -> None:
    found = kinds(rollback(shop, replace(whole, replay=())))
    assert "recovery.set_aside" in found
    assert "recovery.reapply_rows" not in found


def test_keeping_the_data_leaves_it_alone(shop: Shop, whole: ServiceView) -> None:
    plan = rollback(shop, whole, strategy="keep_data")
    assert not {"copy", "data", "set_aside", "reapply"} & {step.key for step in plan.steps}
    assert {"code", "configuration", "verify"} <= {step.key for step in plan.steps}
    assert (plan.context["strategy"], plan.steps[1].params["strategy"]) == ("keep_data", "keep_data")


def test_a_backup_is_restored_while_the_service_runs_and_only_the_rename_interrupts_it(
    shop: Shop, whole: ServiceView
) -> None:
    for name in ("point_in_time", "logical"):
        plan = rollback(shop, whole, strategy=name)
        order = [step.key for step in plan.steps]
        assert order.index("load") < order.index("compare") < order.index("maintenance") < order.index("data")
        assert order.index("data") < order.index("set_aside") < order.index("restart") < order.index("reapply")
        assert next(step for step in plan.steps if step.key == "set_aside").params["against"] == "live"


def test_an_unknown_strategy_is_refused_in_words(shop: Shop, whole: ServiceView) -> None:
    with pytest.raises(Invalid, match="There is no strategy magic") as refused:
        rollback(shop, whole, strategy="magic")
    assert (refused.value.field, "point_in_time" in str(refused.value)) == ("strategy", True)


def test_the_declared_way_back_is_what_is_compiled(shop: Shop, whole: ServiceView) -> None:
    declared = RollbackSpec(
        announce=("team",),
        pause=("{python}", "-m", "pause"),
        resume=("{python}", "-m", "resume"),
        drain_s=25,
        verify=(VerifySpec("suite", command=("true",), timeout_s=90), VerifySpec("pay", tcp="127.0.0.1:1")),
        watch=WatchSpec(30, 5),
    )
    steps = {step.key: step for step in rollback(shop, replace(whole, rollback=declared)).steps}
    order = list(steps)
    assert order.index("pause") < order.index("maintenance") < order.index("open") < order.index("resume")
    assert steps["pause"].params["back"] == steps["resume"].params["command"] == ["{python}", "-m", "resume"]
    assert steps["announce"].params["to"] == ["team"]
    assert steps["stop"].params["stop_timeout_s"] == 25
    assert [check["name"] for check in steps["verify"].params["checks"]] == ["health", "pay", "suite"]
    assert steps["verify"].timeout_s == 150
    assert (steps["watch"].params["seconds"], steps["watch"].params["tolerated"]) == (30, 0.05)
    pin = compile_deployment(replace(whole, rollback=declared), shop.propose(), plan_id="p").steps[0]
    assert pin.params["kept_h"] == 168


def test_what_the_incident_hit_is_checked_first(shop: Shop, whole: ServiceView) -> None:
    checks = (
        VerifySpec("cart", http="/cart", affects=("/cart",)),
        VerifySpec("pay", http="/p", affects=("/checkout",)),
    )
    service = replace(whole, verify=(*whole.verify, *checks))
    hit = {step.key: step for step in rollback(shop, service, affected=("/checkout/card",)).steps}["verify"]
    assert [check["name"] for check in hit.params["checks"]] == ["pay", "health", "cart"]


def test_every_kind_of_step_has_somebody_who_can_do_it(shop: Shop, whole: ServiceView) -> None:
    for plan in (deployment(shop), rollback(shop, whole)):
        assert [step.kind for step in plan.steps if not knows(step.kind)] == []
        assert all(step.title and step.expected_s is not None for step in plan.steps)


def test_what_was_previewed_is_what_is_started(shop: Shop, whole: ServiceView) -> None:
    for plan in (deployment(shop), rollback(shop, whole)):
        assert spec_from_json(json.loads(json.dumps(spec_to_json(plan))), title=plan.title) == checked(plan)


def test_a_service_that_declares_too_little_is_refused_in_words(shop: Shop) -> None:
    change = shop.propose()
    for lacking in (replace(shop.service, run=None), replace(shop.service, run=replace(shop.service.run, command=()))):
        with pytest.raises(Invalid, match=r"run\.command") as refused:
            compile_deployment(lacking, change, plan_id="p")
        assert refused.value.field == "service"
    assert shop.service.config is not None
    nowhere = replace(shop.service, config=replace(shop.service.config, source="nowhere.toml"))
    with pytest.raises(BonancaError, match=r"nowhere\.toml"):
        compile_deployment(nowhere, change, plan_id="p")


def test_expected_times_are_those_of_the_last_run(shop: Shop) -> None:
    plan = deployment(shop)
    assert plan.steps[1].expected_s == GUESS_S["git.release"]
    run = PlanRun.objects.create(
        key="k",
        kind="deployment",
        subject=plan.subject,
        state="succeeded",
        created_at=NOW,
        created_by="x",
        context={},
        finished_at=NOW,
    )
    took = NOW.replace(second=35)
    PlanStep.objects.create(
        run=run,
        position=1,
        key="code",
        kind="git.release",
        timeout_s=1,
        state="done",
        receipt={},
        params={},
        started_at=NOW,
        finished_at=took,
    )
    assert deployment(shop).steps[1].expected_s == (took - NOW).total_seconds()
