"""The gateway's own exposition becomes readings that tell good, failed and contained apart."""

from __future__ import annotations

import pytest

from bonanca.actuators.gateway.metrics import parse
from bonanca.kernel.errors import Unavailable
from bonanca.signals import gateway_source, worker
from bonanca.signals.models import SliSource
from bonanca.signals.tests.cast import T0

EXPOSITION = """
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.7e+09
# TYPE traefik_router_requests_total counter
traefik_router_requests_total{code="200",method="GET",protocol="http",router="svc-loja-api@file",service="loja@file"} 40
traefik_router_requests_total{code="404",method="GET",protocol="http",router="svc-loja-api@file",service="loja@file"} 2
traefik_router_requests_total{code="500",method="POST",protocol="http",router="svc-loja-api@file",service="loja@file"} 5
traefik_router_requests_total{code="503",method="GET",router="contain-loja-api-c48e9eff42ac@file",service="p@file"} 7
"""


def test_routers_and_codes_tell_what_a_series_counts() -> None:
    reading = gateway_source.reading_of(parse(EXPOSITION)["loja-api"])
    by_outcome: dict[str, float] = {}
    for name, value in reading.series.items():
        by_outcome[reading.outcome_of[name]] = by_outcome.get(reading.outcome_of[name], 0) + value
    assert by_outcome == {"good": 42, "failed": 5, "contained": 7}
    assert reading.process_started_at == 1.7e9


@pytest.mark.parametrize("problem", ["no address", "does not answer"])
def test_what_cannot_be_read_is_recorded_with_its_reason(
    db: None, shop: object, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    def away(url: str, *, timeout_s: float) -> None:
        raise Unavailable(problem)

    url = None if problem == "no address" else "http://127.0.0.1:1/metrics"
    monkeypatch.setattr(gateway_source.gateway_queries, "metrics_url", lambda gateway: url)
    monkeypatch.setattr(gateway_source, "read_all", away)
    worker.scrape_gateways(T0)
    source = SliSource.objects.get()
    assert (source.gateway, source.failures) == ("default", 1)
    assert ("has not reported" if url is None else problem) in source.last_error


def test_a_round_of_the_worker_stores_what_it_read(db: None, shop: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_source.gateway_queries, "metrics_url", lambda gateway: "http://fake/metrics")
    monkeypatch.setattr(gateway_source, "read_all", lambda url, timeout_s: parse(EXPOSITION))
    worker.scrape_gateways(T0)
    source = SliSource.objects.get()
    assert (source.failures, source.process_started_at) == (0, 1.7e9)
