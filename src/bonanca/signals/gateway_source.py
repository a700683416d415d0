"""Intake 1 (requirement Y4): the gateway's request counters, read over HTTP, as readings of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bonanca.actuators.gateway import queries as gateway_queries
from bonanca.actuators.gateway.metrics import ServiceCounters, read_all
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError
from bonanca.signals.counters import CONTAINED, FAILED, GOOD, CounterReading

TIMEOUT_S = 2.0


class ScrapeFailed(Exception):
    """The counters of a gateway could not be read; the message says why."""


@dataclass(frozen=True)
class Scrape:
    """One look at a gateway: the counters of each service there, and when they were taken."""

    readings: Mapping[str, CounterReading]
    process_started_at: float | None
    taken_at: datetime


def scrape(gateway: str) -> Scrape:
    """Read all counters of a gateway, at most `TIMEOUT_S` seconds.

    Raises:
        ScrapeFailed: the gateway has not reported where its counters are, does not answer, or answers something else.
    """
    try:
        url = gateway_queries.metrics_url(gateway)
        if not url:
            raise ScrapeFailed(f"gateway {gateway} has not reported an address for its counters yet")
        counters = read_all(url, timeout_s=TIMEOUT_S)
    except BonancaError as failure:
        raise ScrapeFailed(str(failure)) from failure
    started = next((one.started_at_s for one in counters.values() if one.started_at_s is not None), None)
    return Scrape({slug: reading_of(one) for slug, one in counters.items()}, started, utc_now())


def reading_of(counters: ServiceCounters) -> CounterReading:
    """The series of one service, each with what it counts.

    Every router, code class and method is kept apart: they are born and vanish one by one as directives come and go,
    and a sum over them would read each such change as a restart.
    """
    series: dict[str, float] = {}
    outcome_of: dict[str, str] = {}
    for route in counters.routes:
        name = f"{route.router} {route.code_class} {route.method}"
        series[name] = series.get(name, 0.0) + route.requests
        outcome_of[name] = CONTAINED if route.directive else FAILED if route.code_class == "5xx" else GOOD
    return CounterReading(series, outcome_of, counters.started_at_s)
