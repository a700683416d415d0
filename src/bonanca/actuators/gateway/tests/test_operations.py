from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bonanca.actuators.gateway import queries
from bonanca.actuators.gateway.fake import FakeGateway
from bonanca.actuators.gateway.operations.expire_directives import expire_directives
from bonanca.actuators.gateway.operations.lift_directive import lift_directive
from bonanca.actuators.gateway.operations.put_directive import DirectiveKeyTaken, InvalidDirective, put_directive
from bonanca.actuators.gateway.operations.report_applied import InvalidReport, report_applied
from bonanca.actuators.gateway.operations.restore_directive import restore_directive
from bonanca.actuators.gateway.operations.set_routes import InvalidRoute, RouteTaken, set_routes
from bonanca.actuators.gateway.queries import DirectiveNotFound, DirectiveView
from bonanca.actuators.gateway.wire import Applied, encode, local_routes, parse_desired
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from bonanca.kernel import audit
from bonanca.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RUN = UUID(int=7)
SHOP = local_routes("loja-api", [(None, "/")], [9101, 9102], health_path="/health")


def put(key: str = "run:close", **changes: object) -> DirectiveView:
    facts: dict[str, object] = {
        "gateway": "default",
        "service": "loja-api",
        "kind": "disable",
        "match": "/checkout",
        "message": "Voltamos já.",
        "retry_after_s": 60,
        "expires_at": NOON + timedelta(minutes=30),
        "now": NOON,
    }
    return put_directive(key=key, **(facts | changes))  # type: ignore[arg-type]


def events() -> list[str]:
    return [e.name for e in OutboxEvent.objects.order_by("occurred_at", "id")]


def test_setting_the_same_routes_again_changes_nothing() -> None:
    assert set_routes("default", "loja-api", SHOP, NOON) == 1
    assert set_routes("default", "loja-api", SHOP, NOON) == 1
    assert set_routes("default", "loja-api", SHOP[:1], NOON) == 1
    moved = local_routes("loja-api", [(None, "/"), ("loja.example", "/")], [9103])
    assert set_routes("default", "loja-api", moved, NOON) == 2
    assert queries.desired_state("default").routes == moved
    assert set_routes("default", "loja-api", (), NOON) == 3
    assert queries.desired_state("default").routes == ()


def test_a_place_belongs_to_one_service() -> None:
    set_routes("default", "loja-api", SHOP, NOON)
    with pytest.raises(RouteTaken, match="loja-api"):
        set_routes("default", "estoque", local_routes("estoque", [(None, "/")], [9201]), NOON)
    assert set_routes("other", "estoque", local_routes("estoque", [(None, "/")], [9201]), NOON) == 1
    with pytest.raises(InvalidRoute):
        set_routes("default", "estoque", local_routes("estoque", [(None, "/`")], [9201]), NOON)
    with pytest.raises(InvalidRoute):
        set_routes("default", "estoque", SHOP, NOON)


def test_a_directive_is_put_once_under_its_key() -> None:
    first = put()
    assert put() == first
    assert queries.current_version("default") == 1
    assert events() == ["gateway.directive.put.v1"]
    assert [e.action for e in audit.history("gateway:default")] == ["gateway.directive.put"]
    with pytest.raises(DirectiveKeyTaken):
        put(match="/cart")
    lift_directive(key="run:close", now=NOON)
    assert put().lifted_at == NOON, "a late repetition does not close the door again"


@pytest.mark.parametrize(
    "changes",
    [
        {"match": "/a`) || PathPrefix(`/"},
        {"match": "checkout"},
        {"kind": "explode"},
        {"message": "x" * 1001},
        {"message": "\x00"},
        {"retry_after_s": 0},
        {"service": "Loja API"},
        {"gateway": "../x"},
        {"expires_at": NOON},
    ],
)
def test_what_a_gateway_could_not_apply_is_refused_and_changes_nothing(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidDirective):
        put(**changes)
    assert queries.current_version("default") == 0
    assert events() == []


def test_lifting_is_idempotent_and_restoring_takes_it_back() -> None:
    put()
    lifted = lift_directive(key="run:close", now=NOON + timedelta(minutes=1))
    assert (lifted.version, lifted.active(NOON)) == (2, False)
    assert lift_directive(key="run:close", now=NOON + timedelta(minutes=2)) == lifted
    assert queries.active_directives("default", now=NOON) == ()
    later = NOON + timedelta(minutes=3)
    back = restore_directive(key="run:close", expires_at=later + timedelta(minutes=5), now=later)
    assert (back.version, back.active(later)) == (3, True)
    assert restore_directive(key="run:close", expires_at=later + timedelta(minutes=9), now=later) == back
    assert [d.key for d in queries.active_directives(service="loja-api", now=later)] == ["run:close"]
    with pytest.raises(DirectiveNotFound):
        lift_directive(key="nothing", now=NOON)


def test_an_outdated_worker_of_a_plan_is_refused() -> None:
    put("r:1", fence=FenceToken(RUN, 2))
    for act in (
        lambda fence: put("r:2", fence=fence),
        lambda fence: lift_directive(key="r:1", now=NOON, fence=fence),
        lambda fence: restore_directive(key="r:1", expires_at=NOON + timedelta(hours=1), now=NOON, fence=fence),
        lambda fence: set_routes("default", "loja-api", SHOP, NOON, fence=fence),
    ):
        with pytest.raises(Fenced):
            act(FenceToken(RUN, 1))
    assert queries.current_version("default") == 1
    lift_directive(key="r:1", now=NOON, fence=FenceToken(RUN, 3))
    lift_directive(key="r:1", now=NOON, fence=FenceToken(UUID(int=8), 1))


def test_what_the_journal_refuses_is_refused_here() -> None:
    def over() -> None:
        raise Fenced("over")

    with pytest.raises(Fenced):
        put(fence=FenceToken(RUN, 1, verify=over))
    assert queries.current_version("default") == 0


def test_the_end_by_time_is_told_once() -> None:
    put()
    put("run:other", match="/cart", expires_at=NOON + timedelta(hours=2))
    late = NOON + timedelta(minutes=31)
    assert queries.active_directives("default", now=late)[0].key == "run:other"
    assert [d.key for d in expire_directives(late)] == ["run:close"]
    assert expire_directives(late) == ()
    assert events().count("gateway.directive.expired.v1") == 1
    assert [d.key for d in queries.desired_state("default").directives] == ["run:other"]
    lift_directive(key="run:close", now=late)
    assert "gateway.directive.lifted.v1" not in events()


def test_the_report_says_when_a_containment_became_live() -> None:
    put()
    assert queries.applied_version("default") is None
    assert not queries.get_gateway("default", now=NOON).alive
    fake = FakeGateway()
    fake.pull(NOON + timedelta(milliseconds=200))
    put("run:other", match="/cart")
    assert queries.get_directive("run:close").applied_at == NOON + timedelta(milliseconds=200)
    assert queries.get_directive("run:other").applied_at is None
    there = queries.get_gateway("default", now=NOON)
    assert (there.alive, there.caught_up(1), there.caught_up()) == (True, True, False)
    assert queries.metrics_url("default") == "http://fake/metrics"
    assert not queries.get_gateway("default", now=NOON + timedelta(minutes=1)).alive


def test_a_report_with_another_kind_of_address_is_refused() -> None:
    with pytest.raises(InvalidReport):
        report_applied(Applied("default", 1, NOON, "http://x", "file:///etc/passwd", "h", 1), now=NOON)


def test_what_is_wanted_is_what_an_agent_accepts() -> None:
    set_routes("default", "loja-api", SHOP, NOON)
    put(message="“Já” <voltamos>\nLogo.")
    wanted = queries.desired_state("default", now=NOON)
    assert parse_desired(encode(wanted), gateway="default") == wanted
    assert queries.desired_state("default", now=NOON + timedelta(hours=1)).directives == ()
