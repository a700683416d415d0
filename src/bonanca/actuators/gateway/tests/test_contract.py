"""One contract for the gateway in memory and for the agent with Traefik: whoever passes can stand in for the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from bonanca.actuators.gateway.fake import FakeGateway, Reply
from bonanca.actuators.gateway.metrics import CountersUnavailable, ServiceCounters, parse, read_counters
from bonanca.actuators.gateway.tests.edge import (
    AgentProcess,
    Replica,
    WebStub,
    closed,
    desired,
    seconds_until,
    shop,
)
from bonanca.actuators.gateway.wire import Backend, Desired, Directive, Share, encode


class Bench(Protocol):
    """A gateway with one shop of two replicas behind it."""

    shop: Replica
    standby: Replica

    def apply(self, state: Desired) -> bool: ...
    def get(self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> Reply: ...
    def counters(self, service: str) -> ServiceCounters: ...


class Memory:
    def __init__(self, replica: Replica, standby: Replica) -> None:
        self.shop, self.standby = replica, standby
        self._gateway = FakeGateway(
            backend=lambda method, path: replica.status, standby=lambda method, path: standby.status
        )

    def apply(self, state: Desired) -> bool:
        return self._gateway.apply(encode(state))

    def get(self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> Reply:
        host = (headers or {}).get("Host", "127.0.0.1")
        return self._gateway.serve(path, method=method, headers=headers, host=host)

    def counters(self, service: str) -> ServiceCounters:
        return self._gateway.counters(service)


class Real:
    def __init__(self, replica: Replica, standby: Replica, web: WebStub, agent: AgentProcess) -> None:
        self.shop, self.standby, self._web, self._agent = replica, standby, web, agent

    def apply(self, state: Desired) -> bool:
        reports = len(self._web.reports)
        self._web.set(state)
        seconds_until(
            lambda: any(
                r["version"] == state.version or (r["refused"] and self._web.version == state.version)
                for r in self._web.reports[reports:]
            )
        )
        return bool(self._web.reports[-1]["refused"] == "")

    def get(self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> Reply:
        answer = self._agent.get(path, method=method, headers=headers)
        names = ("Retry-After", "Cache-Control", "Content-Type", "Content-Language")
        return Reply(answer.status_code, {n: answer.headers[n] for n in names if n in answer.headers}, answer.text)

    def counters(self, service: str) -> ServiceCounters:
        return read_counters(self._agent.state()["metrics_url"], service)


@pytest.fixture(params=["memory", "traefik"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with Replica() as replica, Replica("standby") as standby:
        if request.param == "memory":
            yield Memory(replica, standby)
            return
        with WebStub() as web, AgentProcess(tmp_path / "home", web.url) as agent:
            yield Real(replica, standby, web, agent)


def test_it_serves_what_is_routed_and_nothing_else(bench: Bench) -> None:
    assert bench.get("/").status == 404
    assert bench.apply(desired(1, shop(bench.shop, path="/loja")))
    assert [bench.get(p).status for p in ("/loja", "/loja/", "/loja/cart", "/lojas", "/")] == [200, 200, 200, 404, 404]


def test_the_more_specific_place_wins_and_is_not_contained_with_the_other(bench: Bench) -> None:
    outer, inner = shop(bench.shop), shop(bench.shop, service="estoque", path="/stock")
    named = shop(bench.shop, service="parceiros", host="parceiros.example")
    everything = closed(None, kind="maintenance")
    assert bench.apply(desired(1, outer, inner, named, directives=(everything,)))
    assert [bench.get(p).status for p in ("/", "/cart", "/stock", "/stock/1")] == [503, 503, 200, 200]
    assert bench.get("/cart", headers={"Host": "parceiros.example"}).status == 200
    assert bench.counters("estoque").total == 2
    assert bench.counters("loja-api").contained == 2


def test_a_contained_request_gets_the_words_and_is_counted_as_failed(bench: Bench) -> None:
    assert bench.apply(desired(1, shop(bench.shop), directives=(closed(message="Estamos <cuidando> disto."),)))
    page = bench.get("/checkout", method="POST", headers={"Accept": "text/html", "Accept-Language": "pt-BR"})
    assert (page.status, page.headers["Retry-After"], page.headers["Cache-Control"]) == (503, "30", "no-store")
    assert "Estamos &lt;cuidando&gt; disto." in page.text
    told = msgspec.json.decode(bench.get("/checkout", headers={"Accept": "application/json"}).text)
    assert (told["service"], told["reason"]) == ("loja-api", "disable")
    for _ in range(3):
        assert bench.get("/products").status == 200
    bench.shop.status = 500
    assert bench.get("/cart", method="POST").status == 500
    bench.shop.status = 404
    assert bench.get("/nothing").status == 404
    counted = bench.counters("loja-api")
    assert (counted.total, counted.failed, counted.contained) == (7, 3, 2)
    assert counted.started_at_s is not None
    by_class = {(r.code_class, r.method, r.directive is not None): r.requests for r in counted.routes}
    assert by_class == {
        ("2xx", "GET", False): 3,
        ("4xx", "GET", False): 1,
        ("5xx", "POST", False): 1,
        ("5xx", "GET", True): 1,
        ("5xx", "POST", True): 1,
    }


def test_maintenance_covers_what_was_closed_before_and_lifting_it_uncovers_that(bench: Bench) -> None:
    door, house = closed(message="porta"), closed(None, key="m", kind="maintenance", message="casa")
    assert bench.apply(desired(1, shop(bench.shop), directives=(door, house)))
    assert "casa" in bench.get("/checkout").text
    assert "casa" in bench.get("/products").text
    assert bench.apply(desired(2, shop(bench.shop), directives=(door,)))
    assert "porta" in bench.get("/checkout").text
    assert bench.get("/products").status == 200


def elsewhere(bench: Bench, **changes: Any) -> Directive:
    there = (Backend(bench.standby.url),)
    return closed(None, key="r", kind="redirect", **{"backends": there, **changes})


def test_a_redirected_service_is_answered_from_elsewhere_and_counted_for_what_it_answers(bench: Bench) -> None:
    bench.shop.status, bench.standby.status = 500, 201
    assert bench.apply(desired(1, shop(bench.shop)))
    assert bench.get("/cart").status == 500
    assert bench.apply(desired(2, shop(bench.shop), directives=(elsewhere(bench),)))
    assert [bench.get(path).status for path in ("/", "/cart")] == [201, 201]
    counted = bench.counters("loja-api")
    assert (counted.total, counted.failed, counted.contained) == (3, 1, 0)
    # A closed door stays closed, wherever the rest is answered; and taken back, the service answers itself.
    assert bench.apply(desired(3, shop(bench.shop), directives=(elsewhere(bench), closed())))
    assert [bench.get(path).status for path in ("/checkout", "/cart")] == [503, 201]
    assert bench.apply(desired(4, shop(bench.shop)))
    assert bench.get("/cart").status == 500


def test_a_redirect_ends_at_its_time_by_itself(bench: Bench) -> None:
    bench.shop.status = 418
    assert bench.apply(desired(1, shop(bench.shop), directives=(elsewhere(bench, for_s=1.5),)))
    assert bench.get("/cart").status == 200
    seconds_until(lambda: bench.get("/cart").status == 418)


def test_a_redirect_to_nowhere_or_of_a_part_is_refused(bench: Bench) -> None:
    assert bench.apply(desired(1, shop(bench.shop)))
    for number, wrong in enumerate(({"backends": ()}, {"backends": (Backend("http://x/path"),)}, {"match": "/cart"})):
        directive = msgspec.structs.replace(elsewhere(bench), **wrong)
        assert not bench.apply(desired(2 + number, shop(bench.shop), directives=(directive,)))
    assert bench.get("/cart").status == 200


def divided(bench: Bench, own: int, other: int, **changes: Any) -> Directive:
    shares = (Share(own, (Backend(bench.shop.url),)), Share(other, (Backend(bench.standby.url),)))
    return closed(None, key="w", kind="weights", **{"shares": shares, **changes})


def test_requests_are_divided_by_weight_until_the_time_is_over(bench: Bench) -> None:
    bench.shop.status, bench.standby.status = 200, 201
    route = shop(bench.shop)
    assert bench.apply(desired(1, route, directives=(divided(bench, 3, 1),)))
    assert sorted(Counter(bench.get("/cart").status for _ in range(40)).items()) == [(200, 30), (201, 10)]
    assert bench.apply(desired(2, route, directives=(divided(bench, 0, 5),)))
    assert {bench.get("/cart").status for _ in range(10)} == {201}
    # A redirect and a closed door say more; taken back, the weights hold again.
    assert bench.apply(desired(3, route, directives=(divided(bench, 1, 0), elsewhere(bench), closed())))
    assert [bench.get(path).status for path in ("/checkout", "/cart")] == [503, 201]
    assert bench.apply(desired(4, route, directives=(divided(bench, 1, 1, for_s=1.0),)))
    seconds_until(lambda: {bench.get("/cart").status for _ in range(6)} == {200})
    counted = bench.counters("loja-api")
    assert (counted.failed, counted.contained) == (1, 1)


def test_weights_that_send_requests_nowhere_or_of_a_part_are_refused(bench: Bench) -> None:
    assert bench.apply(desired(1, shop(bench.shop)))
    nobody, bad = Share(1, ()), Share(1, (Backend("http://x/path"),))
    wrongs: list[dict[str, Any]] = [{"shares": ()}, {"shares": (nobody,)}, {"shares": (bad,)}, {"match": "/cart"}]
    for number, wrong in enumerate(wrongs):
        directive = msgspec.structs.replace(divided(bench, 1, 1), **wrong)
        assert not bench.apply(desired(2 + number, shop(bench.shop), directives=(directive,)))
    assert not bench.apply(desired(9, shop(bench.shop), directives=(divided(bench, 0, 0),)))
    assert bench.get("/cart").status == 200


def breaker(match: str | None = None, key: str = "b", **changes: Any) -> Directive:
    return closed(match, key=key, kind="breaker", **{"threshold_percent": 50, **changes})


def until_open(bench: Bench, path: str) -> None:
    """Ask until the service is not asked any more."""

    def spared() -> bool:
        before = bench.shop.hits[path]
        return bench.get(path).status == 503 and bench.shop.hits[path] == before

    seconds_until(spared) if isinstance(bench, Real) else seconds_until(lambda: bench.get(path).status == 503)


def test_a_breaker_spares_a_service_that_fails_and_only_there(bench: Bench) -> None:
    bench.shop.status = 500
    assert bench.apply(desired(1, shop(bench.shop), directives=(breaker("/checkout"),)))
    until_open(bench, "/checkout")
    assert bench.get("/products").status == 500
    # Taken back, requests reach the service at once.
    bench.shop.status = 200
    assert bench.get("/checkout").status == 503
    assert bench.apply(desired(2, shop(bench.shop)))
    assert bench.get("/checkout").status == 200
    assert bench.counters("loja-api").contained == 0


def test_a_breaker_of_the_whole_service_lets_a_healthy_one_be(bench: Bench) -> None:
    assert bench.apply(desired(1, shop(bench.shop), directives=(breaker(), breaker("/a", key="a"), closed("/a/b"))))
    assert [bench.get(path).status for path in ("/", "/a", "/a/b", "/a/c") * 3] == [200, 200, 503, 200] * 3
    bench.shop.status = 500
    until_open(bench, "/cart")


def test_a_breaker_needs_a_threshold_and_nothing_else_has_one(bench: Bench) -> None:
    assert bench.apply(desired(1, shop(bench.shop)))
    for number, wrong in enumerate((breaker(threshold_percent=0), breaker(threshold_percent=100))):
        assert not bench.apply(desired(2 + number, shop(bench.shop), directives=(wrong,)))
    assert not bench.apply(desired(9, shop(bench.shop), directives=(closed(threshold_percent=5),)))


def test_a_refused_state_leaves_the_one_before(bench: Bench) -> None:
    assert bench.apply(desired(1, shop(bench.shop)))
    assert not bench.apply(desired(2, shop(bench.shop), directives=(closed("/`) || Path(`/"),)))
    assert bench.get("/products").status == 200


def test_a_service_that_was_never_asked_has_counted_nothing(bench: Bench) -> None:
    counted = bench.counters("nobody")
    assert (counted.total, counted.failed, counted.contained) == (0, 0, 0)


def test_a_services_counters_are_not_mixed_with_those_of_one_whose_name_begins_alike() -> None:
    exposition = "".join(
        f'traefik_router_requests_total{{code="{code}",method="GET",protocol="http",'
        f'router="{router}@file",service="x@file"}} {count}\n'
        for code, router, count in (
            (200, "svc-loja", 1),
            (200, "svc-loja.1", 2),
            (200, "svc-loja-api", 4),
            (503, "contain-loja-api-0123456789ab", 8),
            (503, "contain-loja-0123456789ab.1", 16),
            (503, "contain-loja-0123456789ab-0123456789ab", 32),
            (404, "fallback", 64),
        )
    )
    counted = parse(f"# TYPE traefik_router_requests_total counter\n{exposition}")
    assert {name: (c.total, c.contained) for name, c in counted.items()} == {
        "loja": (19, 16),
        "loja-api": (12, 8),
        "loja-0123456789ab": (32, 32),
    }


def test_counters_that_cannot_be_read_say_so() -> None:
    with Replica() as replica, pytest.raises(CountersUnavailable):
        read_counters(f"{replica.url}/health", "loja-api")
    with pytest.raises(CountersUnavailable):
        read_counters("http://127.0.0.1:9/metrics", "loja-api")
