"""Reads a gateway's counters as Traefik 3.7 exposes them (Prometheus text format 0.0.4).

Labels there: `traefik_router_requests_total{code="503",method="GET",protocol="http",
router="contain-loja-api-c48e9eff42ac@file",service="polite@file"}`. Codes are three digits; 499 is a visitor who left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bonanca.kernel.errors import Unavailable

# Names made by agent/configuration.py: the mark has a fixed length, so a slug with hyphens stays unambiguous.
ROUTER = re.compile(
    r"(?:svc-(?P<served>[a-z0-9-]+?)|contain-(?P<contained>[a-z0-9-]+)-(?P<mark>[0-9a-f]{12}))(?:\.\d+)?@file\Z"
)
REQUESTS = "traefik_router_requests"
DURATIONS = "traefik_router_request_duration_seconds"
STARTED = "process_start_time_seconds"
_KEPT = tuple(prefix + name for name in (REQUESTS, DURATIONS, STARTED) for prefix in ("", "# TYPE "))


class CountersUnavailable(Unavailable):
    """The gateway's counters cannot be read at present; what was counted since the last reading is read later."""


@dataclass(frozen=True)
class RouteCounters:
    """What one router counted, by status code class (`2xx`) and method, since Traefik started.

    `directive` is the mark of the containment, None for the service's own router. `duration_sum_s` in seconds.
    """

    service: str
    router: str
    code_class: str
    method: str
    requests: float
    duration_sum_s: float
    directive: str | None = None


@dataclass(frozen=True)
class ServiceCounters:
    """What one service's visitors got, in requests since `started_at_s` (Unix time; a change of it is a reset).

    `total` includes `contained`; `failed` = answers 5xx of the service and everything contained, because a request
    that a containment answers has failed for its user. `duration_buckets` maps an upper bound in seconds to how
    many of the service's own answers took at most that long (cumulative, as in Prometheus).
    """

    service: str
    total: float
    failed: float
    contained: float
    started_at_s: float | None
    duration_sum_s: float = 0.0
    duration_buckets: dict[float, float] = field(default_factory=dict)
    routes: tuple[RouteCounters, ...] = ()


def read_counters(url: str, service: str, *, timeout_s: float = 2.0) -> ServiceCounters:
    """Read one service's counters from a gateway's metrics URL.

    Raises:
        CountersUnavailable: nothing answers there, or not with an exposition.
    """
    return read_all(url, timeout_s=timeout_s).get(service) or counters_of([], service)


def read_all(url: str, *, timeout_s: float = 2.0) -> dict[str, ServiceCounters]:
    """Read the counters of every service that a gateway has served, by slug, in one request.

    Raises:
        CountersUnavailable: nothing answers there, or not with an exposition.
    """
    try:
        answer = httpx.get(url, timeout=timeout_s, trust_env=False)
        answer.raise_for_status()
        return parse(answer.text)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise CountersUnavailable(f"the gateway's counters at {url} cannot be read: {error}") from error


def parse(exposition: str) -> dict[str, ServiceCounters]:
    """Return the counters of every service named in an exposition, by slug.

    Raises:
        ValueError: it is not in the text format, or not of a Traefik.
    """
    if "traefik_" not in exposition:
        raise ValueError("what answers there is not Traefik")
    # Nine of ten lines are about Go and the entry points; the parser is not fast.
    kept = "\n".join(line for line in exposition.splitlines() if line.startswith(_KEPT)) + "\n"
    families = list(text_string_to_metric_families(kept))
    names = {found["served"] or found["contained"] for _, found in _routers(families)}
    return {name: counters_of(families, name) for name in names}


def counters_of(families: list[Metric], service: str) -> ServiceCounters:
    """Return the counters of one service out of parsed families; zero when it has served nothing."""
    requests: dict[tuple[str, str, str, str | None], float] = {}
    sums: dict[tuple[str, str, str, str | None], float] = {}
    buckets: dict[float, float] = {}
    started = next((s.value for f in families if f.name == STARTED for s in f.samples), None)
    for sample, found in _routers(families):
        if service not in (found["served"], found["contained"]):
            continue
        labels = sample.labels
        key = (labels["router"].removesuffix("@file"), f"{labels['code'][:1]}xx", labels["method"], found["mark"])
        if sample.name == f"{REQUESTS}_total":
            requests[key] = requests.get(key, 0.0) + sample.value
        elif sample.name == f"{DURATIONS}_sum":
            sums[key] = sums.get(key, 0.0) + sample.value
        elif sample.name == f"{DURATIONS}_bucket" and found["mark"] is None:
            bound = float(labels["le"])
            buckets[bound] = buckets.get(bound, 0.0) + sample.value
    routes = tuple(
        RouteCounters(service, key[0], key[1], key[2], count, sums.get(key, 0.0), key[3])
        for key, count in sorted(requests.items(), key=lambda item: item[0][:3])
    )
    contained = sum(r.requests for r in routes if r.directive)
    return ServiceCounters(
        service=service,
        total=sum(r.requests for r in routes),
        failed=contained + sum(r.requests for r in routes if not r.directive and r.code_class == "5xx"),
        contained=contained,
        started_at_s=started,
        duration_sum_s=sum(r.duration_sum_s for r in routes if not r.directive),
        duration_buckets=dict(sorted(buckets.items())),
        routes=routes,
    )


def _routers(families: Iterable[Metric]) -> Iterable[tuple[Sample, re.Match[str]]]:
    for family in families:
        if family.name in (REQUESTS, DURATIONS):
            for sample in family.samples:
                if found := ROUTER.match(sample.labels.get("router", "")):
                    yield sample, found
