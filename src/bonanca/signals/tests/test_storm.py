"""One storm over the real catalog and a gateway: declared, served, burning, contained, over (Y4, C14)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.actuators.gateway.fake import FakeGateway
from bonanca.actuators.gateway.operations.put_directive import put_directive
from bonanca.catalog.documents.load import load_text
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.signals import gateway_source, queries, worker

DOCUMENT = """
version: 1
teams:
  - {slug: loja, name: Loja, members: [{email: ana@loja.example, name: Ana, role: commander}]}
services:
  - slug: loja-api
    name: Loja
    team: loja
    gateway: {name: default, routes: [{path_prefix: /}]}
    run: {replicas: [{port: 9101}]}
    slo:
      - slug: loja-availability
        name: Loja responde
        objective: 99.0
        window_s: 1800
        source: {gateway: default, service: loja-api}
        alerts:
          - {severity: critical, burn_rate: 10, long_s: 30, short_s: 5}
          - {severity: high, burn_rate: 3, long_s: 120, short_s: 15}
"""


class Storm:
    """Ten visitors a second, one scrape and one evaluation a second, over the worker's own jobs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, 0, 300_000, tzinfo=UTC)
        self.failing: set[str] = set()
        self.gateway = FakeGateway("default", lambda method, path: 500 if path in self.failing else 200)
        self.gateway.clock = lambda: self.now
        monkeypatch.setattr(gateway_source, "utc_now", lambda: self.now)
        monkeypatch.setattr(
            gateway_source, "read_all", lambda url, timeout_s: {"loja-api": self.gateway.counters("loja-api")}
        )

    def run(self, seconds: int, *, every_s: int = 1) -> datetime:
        for _ in range(seconds // every_s):
            self.now += timedelta(seconds=every_s)
            self.gateway.pull(self.now)
            for visitor in range(10 * every_s):
                self.gateway.serve("/checkout" if visitor % 10 < 3 else "/products")
            worker.scrape_gateways(self.now)
            worker.evaluate(self.now)
        return self.now


@pytest.fixture
def storm(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storm:
    made = Storm(monkeypatch)
    catalog = load_text(DOCUMENT, name="bonanca.yaml", base=tmp_path)
    apply_catalog(catalog, source="bonanca.yaml", actor=SYSTEM("test"), now=made.now)
    return made


def test_a_storm_is_found_counted_while_contained_and_over_once(storm: Storm) -> None:
    storm.run(40, every_s=5)
    assert queries.current("loja-api", storm.now).state == "calm"

    storm.failing = {"/checkout"}
    began = storm.now
    found = storm.run(10)
    critical = next(alert for alert in queries.alerts(state="firing") if alert.severity == "critical")
    assert critical.detected_at - began <= timedelta(seconds=10)
    assert abs(critical.starts_at - began) <= timedelta(seconds=1)

    put_directive(
        key="test",
        gateway="default",
        service="loja-api",
        kind="disable",
        match="/checkout",
        message="Volta já",
        retry_after_s=30,
        expires_at=found + timedelta(seconds=21),
        now=found,
    )
    storm.run(20)
    impact = queries.impact("loja-api", began, storm.now)
    assert impact.contained == pytest.approx(60, abs=6)
    assert impact.failed == pytest.approx(90, abs=6)
    assert queries.current("loja-api", storm.now).state == "burning"

    storm.failing = set()
    storm.run(180, every_s=5)
    assert queries.alerts(state="firing") == ()
    assert queries.current("loja-api", storm.now).state == "at_risk"
    view = queries.budget("loja-availability", storm.now)
    charged = queries.budget_spent_by("loja-api", began, storm.now)
    assert charged == pytest.approx(view.spent_percent)
    assert view.status == "freeze"
